"""How large a thread's next chunk should be, from how long its last ones took; and what they added up to.

The target is 25 ms a chunk: long against the lock and the two clock reads that a chunk costs, short against a commit
interval, a grace period and the unevenness at the end of a job.
"""

from orchestrator.measure.windows import Mark

TARGET_SECONDS = 0.025
_GROWTH = 8
_FIRST_UNITS = {"file": 1, "item": 1, "byte": 1 << 14}
_FIRST_BYTES = 1 << 20
_SMOOTHING = 0.5
_MOST_BYTES = 64 << 20
_MOST_RESULTS = 1 << 16
"""Bytes of results in a chunk: all of them are in memory until the chunk is handed over."""


class Pace:
    """One thread's measure of its own chunks. Belongs to that thread; others read it after it ended.

    Attributes:
        mark: what was done at the end of the last chunk; a whole, which others may read at any time.
    """

    def __init__(self) -> None:
        self.mark: Mark | None = None
        self.chunks = 0
        self.units = 0
        self.items = 0
        self.nbytes = 0
        self.seconds = 0.0
        self.smallest = 0
        self.largest = 0
        self._per_unit = 0.0
        self._per_byte = 0.0
        self._per_result = 0.0
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
        self._per_unit = _smooth(self._per_unit, seconds / units)
        self._per_byte = _smooth(self._per_byte, seconds / nbytes) if nbytes else self._per_byte

    def note_results(self, units: int, nbytes: int) -> None:
        """Count in how many bytes of results a chunk of so many units made."""
        self._per_result = _smooth(self._per_result, nbytes / units)

    def leave_mark(self, at: float, cpu_seconds: float) -> None:
        """Say what is done by now: a moment (`time.perf_counter`), and the thread's own CPU seconds until then."""
        self.mark = Mark(at, cpu_seconds, self._took, self.chunks, self.units, self.items, self.nbytes)

    def appetite(self, unit: str) -> tuple[int, int]:
        """How many units and how many bytes of input the next chunk should have at most.

        A chunk grows by at most eight times the one before, so that a first impression is not taken too far.
        """
        if not self.chunks:
            return _FIRST_UNITS[unit], _FIRST_BYTES
        units = min(self._units * _GROWTH, int(TARGET_SECONDS / max(self._per_unit, 1e-12)))
        units = min(units, int(_MOST_RESULTS / max(self._per_result, 1e-12)))
        if unit != "file":
            most = _MOST_BYTES if unit == "byte" else 1 << 20
            return max(1, min(units, most)), _MOST_BYTES
        size = min(max(self._bytes, _FIRST_BYTES) * _GROWTH, int(TARGET_SECONDS / max(self._per_byte, 1e-15)))
        return max(1, units), max(1, size)


def _smooth(before: float, now: float) -> float:
    return now if before == 0.0 else before + _SMOOTHING * (now - before)
