"""Ways to have a function called on each item, in one process: `python -m benchmarks.apipeers WAY WORK ITEMS`.

Items and results are in lists. Pools are up and warm before the clock starts; `run` starts its threads within it.
"""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from benchmarks.work import task, warm
from orchestrator import Executor, run

WORKERS = 2
CHUNK = 100

type Function = Callable[[int], int]
type Way = Callable[[Function, list[int]], Sequence[int]]


def _loop(function: Function, items: list[int]) -> Sequence[int]:
    results: list[int] = []
    append = results.append
    for item in items:
        append(function(item))
    return results


def _run(threads: int, function: Function, items: list[int]) -> Sequence[int]:
    return run(function, items, threads=threads, progress=False).results


def _generator(threads: int, function: Function, items: list[int]) -> Sequence[int]:
    return run(function, (item for item in items), threads=threads, progress=False).results


def _map(chunk: int, pool: ThreadPoolExecutor, function: Function, items: list[int]) -> Sequence[int]:
    return list(pool.map(function, items, chunksize=chunk))


def _submit(pool: ThreadPoolExecutor, function: Function, items: list[int]) -> Sequence[int]:
    futures = [pool.submit(function, item) for item in items]
    return [future.result() for future in futures]


def _one_by_one(pool: ThreadPoolExecutor, function: Function, items: list[int]) -> Sequence[int]:
    return [pool.submit(function, item).result() for item in items]


ALONE: dict[str, Way] = {
    "loop": _loop,
    "run, 1 thread": partial(_run, 1),
    f"run, {WORKERS} threads": partial(_run, WORKERS),
    f"run of a generator, {WORKERS} threads": partial(_generator, WORKERS),
}
OF_POOLS: dict[str, Callable[[ThreadPoolExecutor, Function, list[int]], Sequence[int]]] = {
    "map": partial(_map, 1),
    f"map, chunks of {CHUNK}": partial(_map, CHUNK),
    "submit": _submit,
    "one by one": _one_by_one,
}
POOLS: dict[str, Callable[[int], ThreadPoolExecutor]] = {"Executor": Executor, "ThreadPoolExecutor": ThreadPoolExecutor}


def measure(way: str, work: int, count: int) -> dict[str, float]:
    """Do the work once, one of `ALONE` or "POOL: WAY"; its seconds and items."""
    function, items = task(work), list(range(count))
    if way in ALONE:
        ALONE[way](warm, items[:CHUNK])
        seconds, found = _timed(ALONE[way], function, items)
    else:
        pool_name, name = way.split(": ")
        with POOLS[pool_name](WORKERS) as pool:
            list(pool.map(warm, range(WORKERS * 8)))
            seconds, found = _timed(partial(OF_POOLS[name], pool), function, items)
    assert (len(found), found[:CHUNK]) == (count, _loop(function, items[:CHUNK])), "results were lost"
    return {"seconds": seconds, "items": count}


def _timed(way: Way, function: Function, items: list[int]) -> tuple[float, Sequence[int]]:
    started = time.perf_counter()
    found = way(function, items)
    return time.perf_counter() - started, found


def main(arguments: list[str]) -> None:
    """Print what `measure` gives, as JSON."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("way")
    parser.add_argument("work", type=int, help="steps of the loop in each item; 0 for none")
    parser.add_argument("items", type=int)
    asked = parser.parse_args(arguments)
    print(json.dumps(measure(asked.way, asked.work, asked.items)))


if __name__ == "__main__":
    main(sys.argv[1:])
