"""Takes windows of a running pool: so many threads work, the others wait, and what those do is measured.

Guarantees: a window begins after every surplus thread has parked and each working one has finished a chunk since; the
threads themselves note their clocks (`Pace.leave_mark`), so it does not matter how late this looks. Assumes: one thread
calls it, and nobody else changes the pool's number of threads meanwhile.
"""

import time
from typing import Protocol

from orchestrator.host.cgroups import CpuLimits, Throttling, throttled_between
from orchestrator.measure.windows import Mark, Window, window_of

FEWEST_CHUNKS = 2
"""A window holds so many chunks of each thread, however long they take."""

_SOON = 0.002
_LATE = 0.05
_PATIENCE = 1.0
_PATIENT_CHUNKS = 10


class Crew(Protocol):
    """What a sampler needs of a pool."""

    def allow(self, threads: int) -> None:
        """Let so many threads work."""
        ...

    def parked(self, threads: int) -> bool:
        """Whether all but the first so many threads wait."""
        ...

    def marks(self, threads: int) -> list[Mark] | None:
        """The last mark of each of the first so many threads."""
        ...


class Sampler:
    """Takes one window after the other."""

    def __init__(self, crew: Crew, seconds: float, limits: CpuLimits) -> None:
        """Begin with none.

        Args:
            crew: the threads.
            seconds: how long a window is to be, at least.
            limits: where throttling is read.
        """
        self._crew = crew
        self._seconds = seconds
        self._limits = limits
        self._threads = 0
        self._repeat = 0
        self._asked_at = 0.0
        self._parked_at: float | None = None
        self._starts: list[Mark] | None = None
        self._ends_at = 0.0
        self._throttling: tuple[Throttling, ...] = ()

    def begin(self, threads: int, repeat: int, now: float) -> None:
        """Ask for a window of so many threads. Where the last one had as many, it begins where that ended."""
        self._asked_at, self._repeat = now, repeat
        if threads == self._threads and self._starts is not None:
            self._open(self._starts, now)
            return
        self._threads, self._parked_at, self._starts = threads, None, None
        self._crew.allow(threads)

    def pause(self, now: float) -> float:
        """In how many seconds to look again."""
        if self._starts is not None and now < self._ends_at:
            return self._ends_at - now
        return min(max((now - self._asked_at) / 8, _SOON), _LATE)

    def step(self, now: float) -> Window | None:
        """Look (`time.perf_counter`); the window, once it is over."""
        if self._starts is None:
            self._settle(now)
            return None
        if now < self._ends_at:
            return None
        marks = self._crew.marks(self._threads)
        if marks is None or not _enough(self._starts, marks):
            return None
        throttled = throttled_between(self._throttling, self._limits.throttling())
        window = window_of(self._repeat, self._starts, marks, throttled.seconds if throttled else 0.0)
        self._starts = marks
        if window is None:
            # A process was replaced meanwhile: once more.
            self.begin(self._threads, self._repeat, now)
        return window

    def stuck(self, now: float, chunk: float) -> bool:
        """Whether it takes much longer than chunks of so many seconds explain."""
        planned = self._ends_at if self._starts is not None else self._asked_at
        return now - planned > _PATIENCE + _PATIENT_CHUNKS * chunk

    def _settle(self, now: float) -> None:
        if self._parked_at is None and self._crew.parked(self._threads):
            self._parked_at = now
        marks = self._crew.marks(self._threads)
        if self._parked_at is not None and marks is not None and all(mark.at >= self._parked_at for mark in marks):
            self._open(marks, now)

    def _open(self, marks: list[Mark], now: float) -> None:
        self._starts, self._ends_at = marks, now + self._seconds
        self._throttling = self._limits.throttling()


def clock() -> float:
    """The clock that marks are made with, and that a sampler is asked by."""
    return time.perf_counter()


def _enough(before: list[Mark], after: list[Mark]) -> bool:
    """Whether each thread has done enough chunks; one that has done fewer in all than before is a new one."""
    return all(not 0 <= end.chunks - start.chunks < FEWEST_CHUNKS for start, end in zip(before, after, strict=True))
