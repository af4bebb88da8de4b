from concurrent.futures import InterpreterPoolExecutor

n = 0


def f(x):
    global n
    n += x  # FT410


with InterpreterPoolExecutor() as pool:
    list(pool.map(f, range(9)))  # FT400
