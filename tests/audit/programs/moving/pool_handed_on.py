from concurrent.futures import ThreadPoolExecutor


def run(pool):
    return pool.map(str, [1])


with ThreadPoolExecutor() as pool:  # FT420
    run(pool)
