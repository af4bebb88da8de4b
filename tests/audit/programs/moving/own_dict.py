from multiprocessing import Pool

counts = {}


def f(x):
    counts[x % 2] = counts.get(x % 2, 0) + 1  # FT410


if __name__ == "__main__":
    with Pool() as pool:
        pool.map(f, range(9))  # FT400
