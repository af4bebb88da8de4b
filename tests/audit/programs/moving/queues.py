import multiprocessing as mp


def work(tasks, results):
    for one in iter(tasks.get, None):
        results.put(one + 1)


tasks, results = mp.Queue(), mp.Queue()
for _ in range(4):
    mp.Process(target=work, args=(tasks, results)).start()  # FT432
