"""Hands out chunks of what is missing: one lock, taken once a chunk.

Guarantees: every stretch that was missing at the start is handed out exactly once, in order, in chunks that never cut
a whole entry. Assumes: the caller says how much it wants from what it measured; nothing here depends on timing.
"""

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct, structs

from orchestrator.engine.poison import Poison
from orchestrator.run.intervals import Interval
from orchestrator.run.plan import PlanReader


class Chunk(Struct, frozen=True):
    """A stretch [lo, hi) of the axis for one thread.

    Attributes:
        lo, hi: the stretch.
        only: do these items alone (by number within the chunk), as a retry does; None does all.
        limit: do at most so many items (`--limit` within an entry that cannot be cut).
        poison: items that are known not to be run.
    """

    lo: int
    hi: int
    only: tuple[int, ...] | None = None
    limit: int | None = None
    poison: tuple[Poison, ...] = ()


class AnyDispenser[C = Chunk](Protocol):
    """What the threads take their chunks from."""

    @property
    def unit(self) -> str:
        """What a chunk's length is counted in."""
        ...

    def take(self, units: int, size: int) -> C | None:
        """The next chunk, with at most so many units and bytes; None ends the thread that asks."""
        ...


class Dispenser:
    """What is still to do, for the threads of one worker."""

    def __init__(self, plan: PlanReader, gaps: Sequence[Interval], retries: Iterable[Chunk], threads: int) -> None:
        self._lock = threading.Lock()
        self._plan = plan
        self._gaps = deque(gaps)
        self._retries = deque(retries)
        self._remaining = sum(hi - lo for lo, hi in gaps)
        self._threads = threads
        self.unit = plan.index.unit

    def share_among(self, threads: int) -> None:
        """Say how many threads take chunks now: the last ones are cut for so many."""
        with self._lock:
            self._threads = max(1, threads)

    def take(self, units: int, size: int) -> Chunk | None:
        """The next chunk, or None when nothing is left.

        Args:
            units: how much of the axis the caller wants; near the end it gets less, so that all end together.
            size: how many bytes of input it wants, where the axis counts files.
        """
        with self._lock:
            if self._retries:
                again = self._retries.popleft()
                return structs.replace(again, limit=self._limit_of(again.hi))
            if not self._gaps:
                return None
            lo, end = self._gaps.popleft()
            fair = max(1, self._remaining // (2 * self._threads))
            hi = self._plan.cut(lo, min(units, fair), size, self._end(lo, end))
            if hi < end:
                self._gaps.appendleft((hi, end))
            self._remaining -= hi - lo
            return Chunk(lo, hi, limit=self._limit_of(hi))

    def _end(self, lo: int, end: int) -> int:
        """An entry of which only some items are wanted is a chunk of its own."""
        index = self._plan.index
        return index.limit_from if index.limit is not None and lo < index.limit_from < end else end

    def _limit_of(self, hi: int) -> int | None:
        index = self._plan.index
        return index.limit if index.limit is not None and hi == index.units else None
