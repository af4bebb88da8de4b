"""A pool whose threads exist in a time of their own: a test moves the clock, and knows what a ramp must find."""

from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator.engine.board import UNKNOWN, Line, Picture
from orchestrator.host.cgroups import CpuLimits
from orchestrator.measure.windows import Mark

NO_LIMITS = CpuLimits(())


@dataclass
class _Thread:
    mark: Mark | None = None
    ends_at: float | None = None
    took: float = 0.0


@dataclass
class SimulatedPool:
    """Threads that take chunks of a job, each as long as a thread needs when so many are allowed.

    Attributes:
        items: of the whole job.
        chunk_items: of a chunk.
        item_seconds: how long a thread takes for an item when so many threads work.
        now: the time.
        allowed: how many threads may work.
        worked: seconds that threads have worked, all together.
    """

    items: int
    chunk_items: int
    item_seconds: Callable[[int], float]
    now: float = 100.0
    allowed: int = 0
    done: int = 0
    worked: float = 0.0
    asked: list[int] = field(default_factory=list)
    threads: list[_Thread] = field(default_factory=list)

    @property
    def ending(self) -> bool:
        """Whether no chunk is left."""
        return self.items == 0

    @property
    def ended(self) -> bool:
        """Whether all is done."""
        return self.items == 0 and all(thread.ends_at is None for thread in self.threads)

    def allow(self, threads: int) -> None:
        """Let so many threads work; each that waited takes a chunk."""
        self.asked.append(threads)
        self.allowed = threads
        while len(self.threads) < threads:
            self.threads.append(_Thread())
        for index, thread in enumerate(self.threads):
            if thread.ends_at is None:
                self._take(index, thread)

    def parked(self, threads: int) -> bool:
        """Whether all others wait."""
        return all(thread.ends_at is None for thread in self.threads[threads:])

    def marks(self, threads: int) -> list[Mark] | None:
        """The marks of the first so many."""
        found = [thread.mark for thread in self.threads[:threads] if thread.mark is not None]
        return found if len(found) == threads else None

    def move(self, seconds: float) -> None:
        """Let time pass: chunks end, and others are taken."""
        until = self.now + seconds
        while True:
            due = [(thread.ends_at, index) for index, thread in enumerate(self.threads) if thread.ends_at is not None]
            if not due or min(due)[0] > until:
                break
            self.now, index = min(due)
            self._finish(index, self.threads[index])
        self.now = until

    def picture(self) -> Picture:
        """The board: items alone are known."""
        marks = [thread.mark or Mark(0, 0, 0, 0, 0, 0, 0) for thread in self.threads]
        lines = tuple(Line(0, 0, -1, mark.items, 0, 0, mark.chunks, 0) for mark in marks)
        return Picture(self.done + self.items + self._in_flight(), UNKNOWN, 0, 0, self.allowed, 0, lines)

    def _in_flight(self) -> int:
        return sum(self.chunk_items for thread in self.threads if thread.ends_at is not None)

    def _take(self, index: int, thread: _Thread) -> None:
        if index >= self.allowed or self.items == 0:
            return
        self.items -= self.chunk_items
        thread.took = self.chunk_items * self.item_seconds(self.allowed)
        thread.ends_at = self.now + thread.took

    def _finish(self, index: int, thread: _Thread) -> None:
        before = thread.mark or Mark(0, 0, 0, 0, 0, 0, 0)
        self.done += self.chunk_items
        self.worked += thread.took
        items = before.items + self.chunk_items
        thread.mark = Mark(self.now, before.cpu_seconds + thread.took, thread.took, before.chunks + 1, items, items, 0)
        thread.ends_at = None
        self._take(index, thread)
