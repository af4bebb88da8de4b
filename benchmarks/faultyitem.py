"""An item of `benchmarks.faults`, and what a bad one does; quick to import."""

import ctypes
import os
import signal
from collections.abc import Callable


def segfault() -> None:
    """Read address 0."""
    ctypes.string_at(0)


def leave() -> None:
    """Leave without a word, as C libraries do on a fatal error."""
    os._exit(3)


def killed() -> None:
    """Be killed, as the kernel does when memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)


def endless() -> None:
    """Never end."""
    while True:
        pass


FAULTS: dict[str, Callable[[], None]] = {
    "segfault": segfault,
    "os._exit": leave,
    "kill -9": killed,
    "endless loop": endless,
}


def work(fault: str, bad: int, number: int) -> int:
    """An item: some arithmetic, but for the bad one."""
    if number == bad:
        FAULTS[fault]()
    total = number
    for step in range(2000):
        total += step & 1
    return total - 1000
