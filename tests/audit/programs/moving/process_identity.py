from multiprocessing import Pool
import os


def f(x):
    return os.getpid()  # FT413


if __name__ == "__main__":
    with Pool() as pool:
        pool.map(f, range(9))  # FT400
