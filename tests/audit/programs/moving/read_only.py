from multiprocessing import Pool

table = {1: 2}


def f(x):
    return table.get(x)


if __name__ == "__main__":
    with Pool() as pool:
        pool.map(f, range(9))  # FT400
