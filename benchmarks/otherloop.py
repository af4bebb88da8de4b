"""A loop of integers before and after other bytecode ran on its CPU: `python -m benchmarks.otherloop`.

One thread, pinned; it does all of it, in one process. It prints the nanoseconds of a step, as JSON: before the other
bytecode, after it, and then on a second CPU, where the other bytecode never ran; and once more on the first.
"""

import json
import os
import statistics
import sys
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable

from benchmarks.jobs.tasks import alike

STEPS = 16_000
_OTHER = 40


def _other() -> int:
    """The loop's own kinds of instruction, in another order: a millisecond of it is enough."""
    total = 0
    for _ in range(_OTHER):
        total = total * 2 % 1000
    return total


def _level(turns: int) -> float:
    """Nanoseconds of a step: the median of so many calls."""
    taken: list[int] = []
    for _ in range(turns):
        started = time.perf_counter_ns()
        alike(0, STEPS)
        taken.append(time.perf_counter_ns() - started)
    return statistics.median(taken) / STEPS


def measure(turns: int, calls: int) -> dict[str, float]:
    """What the thread that calls this finds; it stays on the CPU where it ends."""
    cpus = sorted(os.sched_getaffinity(0))
    first, second = cpus[-1], cpus[0]
    found: dict[str, float] = {}
    for name, cpu, before in (
        ("fresh", first, 0),
        ("after", first, calls),
        ("elsewhere", second, 0),
        ("back", first, 0),
    ):
        os.sched_setaffinity(0, {cpu})
        for _ in range(before):
            _other()
        found[name] = _level(turns)
    return found


def main(arguments: list[str]) -> None:
    """Print what `measure` gives, found by a thread of its own while the main thread waits."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=60, help="calls of half a millisecond for each figure")
    parser.add_argument("--calls", type=int, default=50, help="of the other bytecode, some microseconds each")
    asked = parser.parse_args(arguments)
    found: list[dict[str, float]] = []
    work: Callable[[], None] = lambda: found.append(measure(asked.turns, asked.calls))  # noqa: E731
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    print(json.dumps(found[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
