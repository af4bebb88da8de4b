from multiprocessing import Pool


def f(x):
    seen = [x]
    seen.append(x)
    return seen


if __name__ == "__main__":
    with Pool() as pool:
        pool.map(f, range(9))  # FT400
