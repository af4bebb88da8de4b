from multiprocessing import Pool

seen = []


def f(x):
    seen.append(x)  # FT411


if __name__ == "__main__":
    with Pool() as pool:
        pool.map(f, range(9))  # FT400
