from concurrent.futures import ThreadPoolExecutor


def f(x):
    return x


with ThreadPoolExecutor() as pool:
    for x in map(int, "123"):
        pool.submit(f, x)  # FT400, FT421
