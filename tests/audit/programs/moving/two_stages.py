from multiprocessing import Pool


def f(x):
    return x


pool = Pool()
first = pool.map(f, range(3))  # FT400
second = pool.map(f, first)  # FT430
