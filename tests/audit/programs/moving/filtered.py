from multiprocessing import Pool


def f(x):
    return x


Pool().map(f, [n for n in range(9) if n % 2])  # FT400, FT421
