from concurrent.futures import ThreadPoolExecutor

n = 0


def f(x):
    global n
    n += x  # FT101


with ThreadPoolExecutor() as pool:
    list(pool.map(f, range(9)))  # FT400
