"""The pools that people use today, given one bad item: `python -m benchmarks.faultpeers POOL FAULT ITEMS BAD RESULTS`.

Each result is written to the file RESULTS as it arrives, so that what was got before the end is known however it ends.
"""

import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

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


def _hyperqueue(asked: Namespace) -> None:
    """A process an item, all in one batch; they write their results themselves."""
    from benchmarks.hyperqueue import driving, item_command

    results = Path(asked.results)
    results.touch()
    words = ("--fault", asked.fault, asked.bad)
    with tempfile.TemporaryDirectory() as scratch, driving(WORKERS, Path(scratch)) as driver:
        driver.submit([item_command(results, range(item, item + 1), *words) for item in range(asked.items)], wait=True)
        driver.wait()


POOLS = {"mp-imap": _multiprocessing, "processes": _executor, "joblib": _joblib}


def main(arguments: list[str]) -> None:
    """Do the items, one of them bad."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("pool", choices=[*POOLS, "hyperqueue"])
    parser.add_argument("fault", choices=FAULTS)
    parser.add_argument("items", type=int)
    parser.add_argument("bad", type=int)
    parser.add_argument("results")
    asked = parser.parse_args(arguments)
    if asked.pool == "hyperqueue":
        _hyperqueue(asked)
        return
    call = partial(work, asked.fault, asked.bad)
    with open(asked.results, "w", encoding="ascii", buffering=1) as out:
        out.writelines(f"{result}\n" for result in POOLS[asked.pool](call, range(asked.items)))


if __name__ == "__main__":
    main(sys.argv[1:])
