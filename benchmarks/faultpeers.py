"""The pools that people use today, given one bad item: `python -m benchmarks.faultpeers POOL FAULT ITEMS BAD RESULTS`.

Each result is written to the file RESULTS as it arrives, so that what was got before the end is known however it ends.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from benchmarks.faultyitem import FAULTS, work

WORKERS = 2
CHUNK = 10


def _multiprocessing(call: Callable[[int], int], items: range) -> Iterable[int]:
    with get_context("fork").Pool(WORKERS) as pool:
        yield from pool.imap_unordered(call, items, CHUNK)


def _executor(call: Callable[[int], int], items: range) -> Iterable[int]:
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("fork")) as pool:
        yield from pool.map(call, items, chunksize=CHUNK)


def _joblib(call: Callable[[int], int], items: range) -> Iterable[int]:
    import joblib  # only where it is installed

    parallel = joblib.Parallel(WORKERS, backend="loky", batch_size=CHUNK, return_as="generator")
    yield from parallel(joblib.delayed(call)(item) for item in items)


POOLS = {"mp-imap": _multiprocessing, "processes": _executor, "joblib": _joblib}


def main(arguments: list[str]) -> None:
    """Do the items, one of them bad."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("pool", choices=POOLS)
    parser.add_argument("fault", choices=FAULTS)
    parser.add_argument("items", type=int)
    parser.add_argument("bad", type=int)
    parser.add_argument("results")
    asked = parser.parse_args(arguments)
    call = partial(work, asked.fault, asked.bad)
    with open(asked.results, "w", encoding="ascii", buffering=1) as out:
        out.writelines(f"{result}\n" for result in POOLS[asked.pool](call, range(asked.items)))


if __name__ == "__main__":
    main(sys.argv[1:])
