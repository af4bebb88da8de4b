"""What threads had done at the end of a chunk, and what so many of them do in a stretch of time; pure.

A thread leaves a mark at the end of each chunk, with its own clocks. A window goes from mark to mark, thread by thread,
so it holds whole chunks only, and no edge of it cuts an item; what a thread waited for between two chunks is in it.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from msgspec import Struct

from orchestrator.measure.estimate import deviation, mean

type Unit = Literal["item", "byte"]


class Mark(NamedTuple):
    """What a thread had done at the end of a chunk, since it began.

    Attributes:
        at: the moment (seconds of `time.perf_counter`, which all processes of a machine share on Linux).
        cpu_seconds: CPU seconds of that thread alone.
        took: seconds of the last chunk.
        chunks, units, items, nbytes: done so far; units are lengths on the input's axis.
    """

    at: float
    cpu_seconds: float
    took: float
    chunks: int
    units: int
    items: int
    nbytes: int


class Window(Struct, frozen=True):
    """A stretch of time in which so many threads worked.

    Attributes:
        threads: how many.
        repeat: which repetition of the whole order it belongs to, from 0.
        seconds: how long it was, on average over the threads.
        chunks, items, nbytes, cpu_seconds: of all threads together.
        items_per_second, bytes_per_second: the threads' own rates added up.
        throttled_seconds: by the CPU quota meanwhile, over all CPUs.
    """

    threads: int
    repeat: int
    seconds: float
    chunks: int
    items: int
    nbytes: int
    cpu_seconds: float
    items_per_second: float
    bytes_per_second: float
    throttled_seconds: float = 0.0

    def rate(self, unit: Unit) -> float:
        """Items or bytes a second."""
        return self.items_per_second if unit == "item" else self.bytes_per_second

    def amount(self, unit: Unit) -> int:
        """Items or bytes."""
        return self.items if unit == "item" else self.nbytes


def window_of(
    repeat: int, before: Sequence[Mark], after: Sequence[Mark], throttled_seconds: float = 0.0
) -> Window | None:
    """The window between two marks of each thread.

    Returns:
        None where a thread did no item, or is not the one that left the first mark (its process was replaced).
    """
    pairs = list(zip(before, after, strict=True))
    if any(end.at <= start.at or end.items <= start.items or end.chunks <= start.chunks for start, end in pairs):
        return None
    return Window(
        threads=len(pairs),
        repeat=repeat,
        seconds=mean([end.at - start.at for start, end in pairs]),
        chunks=sum(end.chunks - start.chunks for start, end in pairs),
        items=sum(end.items - start.items for start, end in pairs),
        nbytes=sum(end.nbytes - start.nbytes for start, end in pairs),
        cpu_seconds=sum(end.cpu_seconds - start.cpu_seconds for start, end in pairs),
        items_per_second=sum((end.items - start.items) / (end.at - start.at) for start, end in pairs),
        bytes_per_second=sum((end.nbytes - start.nbytes) / (end.at - start.at) for start, end in pairs),
        throttled_seconds=throttled_seconds,
    )


class UnitChoice(Struct, frozen=True):
    """The unit that rates are compared by, and why."""

    unit: Unit
    reason: str


def choose_unit(windows: Sequence[Window]) -> UnitChoice:
    """The job's own unit: items or bytes, whichever needed the more even amount of CPU in the windows.

    Windows of the same number of threads are compared with each other alone, since more threads may make every unit
    dearer.
    """
    if not all(window.nbytes for window in windows) or not windows:
        return UnitChoice("item", "the input has no bytes to compare by")
    by_item, by_byte = _unevenness(windows, "item"), _unevenness(windows, "byte")
    if by_item is None or by_byte is None:
        return UnitChoice("item", "too few windows to see whether bytes are more even")
    found = f"CPU an item varied by {100 * by_item:.2g} % from window to window, CPU a byte by {100 * by_byte:.2g} %"
    return UnitChoice("byte" if by_byte < by_item else "item", found)


def _unevenness(windows: Iterable[Window], unit: Unit) -> float | None:
    """The standard deviation of the logarithm of CPU seconds a unit, within each number of threads."""
    ordered = sorted(windows, key=lambda window: window.threads)
    total, freedom = 0.0, 0
    for _, group in groupby(ordered, key=lambda window: window.threads):
        logs = [math.log(each.cpu_seconds / each.amount(unit)) for each in group if each.cpu_seconds > 0]
        if len(logs) > 1:
            total += deviation(logs)
            freedom += len(logs) - 1
    return math.sqrt(total / freedom) if freedom else None
