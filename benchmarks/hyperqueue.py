"""HyperQueue, with its server and a worker on loopback: an item of it is a process; see `benchmarks.pools`.

Its package is an extension that a free-threaded Python does not take, so a GIL-built Python (`BENCHMARK_HYPERQUEUE`:
that Python and the folder with the package) drives it, `benchmarks.hyperqueue_driver`; server, worker and scheduler
are compiled code, and the items run on this Python. Each process adds its results to one file; a batch ends when its
last result is there, since HyperQueue's own waiting looks but once a second.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from benchmarks.brokers import plain
from benchmarks.pools import Function, Opening, Pool, chunk
from benchmarks.work import warm

ROOT = Path(__file__).parents[1]
DRIVER = Path(__file__).with_name("hyperqueue_driver.py")
# Nothing that an item does not need is imported: what is left is how long a Python takes to start.
ITEM = (sys.executable, "-E", "-S", "-m", "benchmarks.hyperqueue_item")


class Driver:
    """The driver's process: takes batches, one at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def submit(self, commands: Sequence[Sequence[str]], *, wait: bool = False) -> None:
        """Hand over a batch, a command a task; `wait` where `wait` is to be called for it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"wait": wait, "commands": commands}) + "\n")
        self._process.stdin.flush()

    def wait(self) -> int:
        """Wait until the batch has ended; how many of its tasks failed.

        Raises:
            EOFError: the driver has ended.
        """
        assert self._process.stdout is not None
        told = self._process.stdout.readline()
        if not told:
            raise EOFError("HyperQueue's driver has ended")
        return int(told)


@contextmanager
def driving(workers: int, folder: Path) -> Iterator[Driver]:
    """HyperQueue, up with so many CPUs, its files in that folder; it ends with the block, or with this process."""
    python, package = json.loads(os.environ["BENCHMARK_HYPERQUEUE"])
    process = subprocess.Popen(
        [python, os.fspath(DRIVER), package, os.fspath(folder), str(workers), os.fspath(ROOT)],
        env={**os.environ, "TQDM_DISABLE": "1", "HQ_SERVER_DIR": os.fspath(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        driver = Driver(process)
        driver.wait()
        yield driver
    finally:
        # The driver reads commands: at the end of its input it ends, and its server and worker with it.
        process.stdin.close()  # type: ignore[union-attr]
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def item_command(results: Path, items: range, *words: object) -> list[str]:
    """The command that does some items, and adds their results to a file."""
    return [*ITEM, os.fspath(results), str(items.start), str(items.stop), *map(str, words)]


@contextmanager
def _hyperqueue(asked: Namespace) -> Iterator[Pool]:
    with tempfile.TemporaryDirectory() as scratch, driving(asked.workers, Path(scratch)) as driver:

        def run(function: Function, items: range) -> Iterable[int]:
            results = Path(scratch) / f"results-{time.monotonic_ns()}"
            results.touch()
            size = chunk(asked, items).get("chunksize", 1)
            work = plain(function)[1].get("work", 0)
            pieces = [items[first : first + size] for first in range(0, len(items), size)]
            driver.submit([item_command(results, piece, "--work", work) for piece in pieces])
            with results.open(encoding="ascii") as lines:
                return list(_follow(lines, len(items)))

        run(warm, range(asked.workers * 2))
        yield run


def _follow(lines: TextIO, count: int) -> Iterator[int]:
    """So many numbers of a file that others add lines to."""
    text = ""
    while count:
        more = lines.readline()
        text += more
        if text.endswith("\n"):
            yield int(text)
            text, count = "", count - 1
        elif not more:
            time.sleep(0.001)


HYPERQUEUE: dict[str, Opening] = {"hyperqueue": _hyperqueue}
