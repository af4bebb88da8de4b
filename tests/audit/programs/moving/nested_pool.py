from multiprocessing import Pool


def g(x):
    return x


def f(x):
    with Pool() as inner:  # FT431
        return inner.map(g, range(x))


if __name__ == "__main__":
    with Pool() as pool:
        pool.map(f, range(9))  # FT400
