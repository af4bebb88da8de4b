"""The pools of the standard library, and plain loops beside them: each up and warm before anything is timed.

A pool is a context manager that gives a function: (task, items) → results. Where `asked` says neither `chunksize` nor
`share`, the pool's own default holds. Processes are forked, which starts quickest and costs an item nothing.
"""

from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, InterpreterPoolExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import get_context
from threading import Thread

from benchmarks.work import warm

type Function = Callable[[int], int]
type Pool = Callable[[Function, range], Iterable[int]]
type Opening = Callable[[Namespace], AbstractContextManager[Pool]]


def chunk(asked: Namespace, items: range, word: str = "chunksize") -> dict[str, int]:
    """The chunk size as a keyword argument named `word`; none at all leaves it to the pool's own default.

    `asked.share` stands for that many chunks a worker.
    """
    if asked.chunksize:
        return {word: asked.chunksize}
    return {word: max(1, len(items) // (asked.workers * asked.share))} if asked.share else {}


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
def _interpreters(asked: Namespace) -> Iterator[Pool]:
    with InterpreterPoolExecutor(asked.workers) as pool:
        yield _mapping(pool, asked)


@contextmanager
def _processes(asked: Namespace) -> Iterator[Pool]:
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("fork")) as pool:
        yield _mapping(pool, asked)


def _mapping(pool: Executor, asked: Namespace) -> Pool:
    list(pool.map(warm, range(asked.workers * 8)))
    return lambda function, items: pool.map(function, items, **chunk(asked, items))


@contextmanager
def _multiprocessing(asked: Namespace) -> Iterator[Pool]:
    with get_context("fork").Pool(asked.workers) as pool:
        pool.map(warm, range(asked.workers * 8), 1)
        call = pool.map if asked.pool == "mp-map" else pool.imap_unordered
        yield lambda function, items: call(function, items, **chunk(asked, items))


POOLS: dict[str, Opening] = {
    "loop": _loop,
    "loops": _loops,
    "threads": _threads,
    "interpreters": _interpreters,
    "processes": _processes,
    "mp-map": _multiprocessing,
    "mp-imap": _multiprocessing,
}
