from concurrent.futures import ProcessPoolExecutor, wait


def f(x):
    return [x]


with ProcessPoolExecutor() as pool:
    left = {pool.submit(f, n) for n in range(3)}  # FT400
    while left:
        done, left = wait(left)
        for one in done:
            left.add(pool.submit(f, one.result()))  # FT430
