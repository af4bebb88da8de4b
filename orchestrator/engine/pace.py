"""How large a thread's next chunk should be, from how long its last ones took; and what they added up to.

The target is 25 ms a chunk: long against the lock and the two clock reads that a chunk costs, short against a commit
interval, a grace period and the unevenness at the end of a job.

What a unit takes is the time of the last work over its units, where what was measured counts the less the more work was
done since. So one chunk that took long, as uneven items have it, weighs by its time and not by its turn; and one that
took very long, as where cheap items are followed by dear ones, leaves nothing of what was thought before.
"""

import math

from orchestrator.measure.costs import CostMeter
from orchestrator.measure.windows import Mark

TARGET_SECONDS = 0.025
_GROWTH = 8
_FIRST_UNITS = {"file": 1, "item": 1, "byte": 1 << 14}
_FIRST_BYTES = 1 << 20
_MEMORY_SECONDS = 0.1
"""After so many seconds of work, what was measured before counts 1/e of what it did."""
_MOST_KEPT = 0.9
"""After a chunk it counts that much at most, however short the chunk was: a slow first item is to be forgotten soon."""
_MOST_BYTES = 64 << 20
_NO_BOUND = float(1 << 62)
_MOST_FILES = 1 << 12
"""Files in a chunk: each is an object from the chunk's start to its end."""

_MOST_RESULTS = 1 << 16
"""Bytes of results in a chunk: all of them are in memory until the chunk is handed over."""


class Pace:
    """One thread's measure of its own chunks. Belongs to that thread; others read it after it ended.

    Attributes:
        mark: what was done at the end of the last chunk; a whole, which others may read at any time.
        costs: what chunks took, by where on the axis they were.
    """

    def __init__(self) -> None:
        self.mark: Mark | None = None
        self.costs = CostMeter()
        self.chunks = 0
        self.units = 0
        self.items = 0
        self.nbytes = 0
        self.seconds = 0.0
        self.smallest = 0
        self.largest = 0
        self._unit = _Ratio()
        self._byte = _Ratio()
        self._result = _Ratio()
        self._keep = 0.0
        self._took = 0.0
        self._units = 0
        self._bytes = 0

    def note(self, units: int, items: int, nbytes: int, seconds: float) -> None:
        """Count a chunk in: its length on the axis, its items and bytes, and the seconds it took."""
        self.chunks += 1
        self.units += units
        self.items += items
        self.nbytes += nbytes
        self.seconds += seconds
        self.smallest = min(self.smallest, items) if self.chunks > 1 else items
        self.largest = max(self.largest, items)
        self._took = seconds
        self._units = units
        self._bytes = nbytes
        self._keep = min(_MOST_KEPT, math.exp(-seconds / _MEMORY_SECONDS))
        self._unit.note(self._keep, seconds, units)
        self._byte.note(self._keep, seconds, nbytes)

    def note_results(self, units: int, nbytes: int) -> None:
        """Count in how many bytes of results a chunk of so many units made."""
        self._result.note(self._keep, nbytes, units)

    def leave_mark(self, at: float, cpu_seconds: float) -> None:
        """Say what is done by now: a moment (`time.perf_counter`), and the thread's own CPU seconds until then."""
        self.mark = Mark(at, cpu_seconds, self._took, self.chunks, self.units, self.items, self.nbytes)

    def appetite(self, unit: str) -> tuple[int, int]:
        """How many units and how many bytes of input the next chunk should have at most.

        A chunk grows by at most eight times the one before, so that a first impression is not taken too far.
        """
        if not self.chunks:
            return _FIRST_UNITS[unit], _FIRST_BYTES
        units = min(self._units * _GROWTH, int(self._unit.holds(TARGET_SECONDS)))
        units = min(units, int(self._result.holds(_MOST_RESULTS)))
        if unit != "file":
            most = _MOST_BYTES if unit == "byte" else 1 << 20
            return max(1, min(units, most)), _MOST_BYTES
        size = min(max(self._bytes, _FIRST_BYTES) * _GROWTH, int(self._byte.holds(TARGET_SECONDS)))
        return max(1, min(units, _MOST_FILES)), max(1, size)


class _Ratio:
    """What each of many costs, of late."""

    __slots__ = ("_cost", "_many")

    def __init__(self) -> None:
        self._cost = 0.0
        self._many = 0.0

    def note(self, keep: float, cost: float, many: int) -> None:
        """Count in what so many cost; what was counted before keeps that share of its weight."""
        if many:
            self._cost = keep * self._cost + cost
            self._many = keep * self._many + many

    def holds(self, budget: float) -> float:
        """How many can be had for so much; a great number where they cost nothing, or none was counted."""
        return budget * self._many / self._cost if self._cost and self._many else _NO_BOUND
