from multiprocessing import Pool

counts = {}


def f(x):
    counts[x] += 1  # ftorch: ok FT410 for a log line


if __name__ == "__main__":
    with Pool() as pool:
        pool.map(f, range(9))  # FT400
