"""What a tree of processes uses: CPU seconds, and memory, looked at while it works.

Memory is the sum of each process's proportional share (PSS: a page that three map counts a third for each), where the
kernel tells it, else of resident sizes. Looking costs time that is taken from who is measured, so it is done at most
ten times a second, and never more than a fiftieth of the time.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

_EVERY_SECONDS = 0.1
_COST_SHARE = 50
_GONE = (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess)


def tree(pid: int) -> list[psutil.Process]:
    """A process and all that come from it."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except _GONE:
        return []


def cpu_seconds(pid: int) -> float:
    """CPU seconds that a tree's processes have used, those that ended and were waited for included."""
    total = 0.0
    for process in tree(pid):
        with suppress(*_GONE):
            times = process.cpu_times()
            total += (
                times.user + times.system + getattr(times, "children_user", 0) + getattr(times, "children_system", 0)
            )
    return total


class Held(NamedTuple):
    """What a tree has in memory.

    Attributes:
        nbytes: all of it.
        kind: "PSS", or "RSS" where a process of it does not tell.
        worker: bytes of one of the processes that run the root's own program, their mean; 0 where there are none.
    """

    nbytes: int
    kind: str
    worker: int


def memory(pid: int) -> Held:
    """What a tree has in memory now."""
    kind, program = "PSS", ""
    shares: list[int] = []
    workers: list[int] = []
    for process in tree(pid):
        share = _pss(process.pid)
        with suppress(*_GONE):
            if share is None:
                share = process.memory_info().rss
                # One that has just ended has none, and so tells no share of it either.
                kind = "RSS" if share else kind
            shares.append(share)
            program = program or process.exe()
            if process.pid != pid and process.exe() == program:
                workers.append(share)
    return Held(sum(shares), kind, sum(workers) // len(workers) if workers else 0)


def _pss(pid: int) -> int | None:
    """Linux's own sum (proc_pid_smaps_rollup); None elsewhere, or where the process is gone."""
    try:
        with Path(f"/proc/{pid}/smaps_rollup").open(encoding="ascii") as lines:
            line = next(line for line in lines if line.startswith("Pss:"))
    except OSError, StopIteration:
        return None
    return int(line.split()[1]) * 1024


class Peak:
    """The most memory a tree was seen with."""

    def __init__(self, pid: int) -> None:
        self.nbytes = 0
        self.worker = 0
        self.kind = "PSS"
        self._pid = pid

    def look(self) -> float:
        """Look once; the seconds that took."""
        began = time.perf_counter()
        held = memory(self._pid)
        self.nbytes = max(self.nbytes, held.nbytes)
        self.worker = max(self.worker, held.worker)
        self.kind = "RSS" if "RSS" in (held.kind, self.kind) else "PSS"
        return time.perf_counter() - began

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look again and again while the block runs, and once more at its end."""
        over = threading.Event()

        def watch() -> None:
            pause = _EVERY_SECONDS
            while not over.wait(pause):
                pause = max(_EVERY_SECONDS, _COST_SHARE * self.look())

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()
            self.look()
