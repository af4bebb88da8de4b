def f(x):
    return x


def main(xs=(1, 2)):
    Executor = None
    try:
        from concurrent.futures import ProcessPoolExecutor as Executor
    except ImportError:
        pass
    with Executor() as pool:
        return list(pool.map(f, range(3)))  # FT400
