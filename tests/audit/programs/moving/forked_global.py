from multiprocessing import Pool

table = None


def f(x):
    return table[x]


if __name__ == "__main__":
    table = [3] * 9  # FT412
    with Pool() as pool:
        pool.map(f, range(9))  # FT400
