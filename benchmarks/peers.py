"""The pools that people use today, each in a process of its own: `python -m benchmarks.peers POOL WORK ITEMS …`.

Items are numbers, results come in a list or go to a JSON Lines file. A pool is up and warm before the clock starts, and
processes are forked, which starts quickest. The results are checked after the clock has stopped.
"""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import batched
from multiprocessing import get_context
from pathlib import Path
from threading import Thread

import msgspec

from benchmarks.work import task, warm

type Function = Callable[[int], int]
type Pool = Callable[[Function, range], Iterable[int]]

BLOCK = 10_000


class Record(msgspec.Struct, frozen=True, gc=False):
    """A line of the output, as ftorch writes it."""

    key: int
    result: int


@contextmanager
def _loop(_asked: Namespace) -> Iterator[Pool]:
    def run(function: Function, items: range) -> Iterable[int]:
        for item in items:
            function(item)
        return ()

    yield run


@contextmanager
def _loops(asked: Namespace) -> Iterator[Pool]:
    def run(function: Function, items: range) -> Iterable[int]:
        def own(share: range) -> None:
            for item in share:
                function(item)

        threads = [Thread(target=own, args=(items[first :: asked.workers],)) for first in range(asked.workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return ()

    yield run


@contextmanager
def _threads(asked: Namespace) -> Iterator[Pool]:
    with ThreadPoolExecutor(asked.workers) as pool:
        yield _mapping(pool, asked)


@contextmanager
def _processes(asked: Namespace) -> Iterator[Pool]:
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("fork")) as pool:
        yield _mapping(pool, asked)


def _mapping(pool: Executor, asked: Namespace) -> Pool:
    list(pool.map(warm, range(asked.workers * 8)))
    return lambda function, items: pool.map(function, items, chunksize=asked.chunksize)


@contextmanager
def _multiprocessing(asked: Namespace) -> Iterator[Pool]:
    with get_context("fork").Pool(asked.workers) as pool:
        pool.map(warm, range(asked.workers * 8), 1)
        call = pool.map if asked.pool == "mp-map" else pool.imap_unordered
        yield lambda function, items: call(function, items, asked.chunksize)


POOLS = {
    "loop": _loop,
    "loops": _loops,
    "threads": _threads,
    "processes": _processes,
    "mp-map": _multiprocessing,
    "mp-imap": _multiprocessing,
}


def measure(asked: Namespace) -> dict[str, float]:
    """Do the work once; its seconds and items."""
    function, items = task(asked.work), range(asked.items)
    with POOLS[asked.pool](asked) as run:
        started = time.perf_counter()
        results = run(function, items)
        found = list(results) if asked.jsonl is None else _write(results, asked.jsonl)
        seconds = time.perf_counter() - started
    if asked.jsonl is not None:
        found = [record.result for record in msgspec.json.Decoder(Record).decode_lines(asked.jsonl.read_bytes())]
    if asked.work == 0 and not asked.pool.startswith("loop"):
        assert sum(found) == sum(items), "results were lost"
    return {"seconds": seconds, "items": len(items)}


def _write(results: Iterable[int], path: Path) -> list[int]:
    """Encode and write in blocks, in the order in which the results come; here an item and its result are the same."""
    encode = msgspec.json.Encoder().encode_lines
    with path.open("wb") as out:
        for block in batched(results, BLOCK, strict=False):
            out.write(encode([Record(result, result) for result in block]))
    return []


def main(arguments: list[str]) -> None:
    """Print what `measure` gives, as JSON."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("pool", choices=POOLS)
    parser.add_argument("work", type=int, help="steps of the loop in each item; 0 for none")
    parser.add_argument("items", type=int)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--chunksize", type=int, default=1)
    parser.add_argument("--jsonl", type=Path, help="write the results here")
    print(json.dumps(measure(parser.parse_args(arguments))))


if __name__ == "__main__":
    main(sys.argv[1:])
