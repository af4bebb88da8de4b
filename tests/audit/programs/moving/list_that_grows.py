from multiprocessing import Pool


def f(x):
    return x


items = []
for n in range(3):
    items.append(n)
Pool().map(f, items)  # FT400, FT421
