"""What the work cost along the input's axis: where it was dear, and how much one unit differs from the next; pure.

Chunks tell both. If units cost m on average with variance v, and do not depend on each other, a chunk of u units takes
u m with variance u v; so v is estimated by the mean over K chunks of (seconds - u m)² / u, which needs nothing but the
sums of u, seconds and seconds² / u. Where it is dear is kept for equal stretches, so many at most, however long the
axis is: they are joined in pairs when it turns out to be longer.
"""

import math
from collections.abc import Sequence

from msgspec import Struct

STRETCHES = 128
"""The most stretches that are told apart."""


class Costs(Struct, frozen=True):
    """What chunks cost, in seconds of one thread each.

    Attributes:
        chunks: how many.
        width: units of a stretch; the first one begins where the input does.
        units: done in each stretch, by where their chunk began.
        seconds: what they took.
        deviation: the standard deviation of one unit's seconds.
        longest: seconds of the longest chunk; no item took longer.
    """

    chunks: int
    width: int
    units: list[int]
    seconds: list[float]
    deviation: float
    longest: float

    @property
    def mean(self) -> float:
        """Seconds a unit."""
        return math.fsum(self.seconds) / sum(self.units)

    @property
    def variation(self) -> float:
        """The standard deviation of a unit's cost over its mean."""
        return self.deviation / self.mean if self.mean else 0.0


class CostMeter:
    """Adds up one thread's chunks. Belongs to that thread; others read it after it ended."""

    __slots__ = ("chunks", "longest", "seconds", "squares", "units", "width")

    def __init__(self) -> None:
        self.chunks = 0
        self.width = 1
        self.units = [0] * STRETCHES
        self.seconds = [0.0] * STRETCHES
        self.squares = 0.0
        self.longest = 0.0

    def note(self, lo: int, units: int, seconds: float) -> None:
        """Count a chunk in: where on the axis it began, its length (at least 1), and the seconds it took."""
        at = lo // self.width
        if at >= STRETCHES:
            self.widen(lo)
            at = lo // self.width
        self.chunks += 1
        self.units[at] += units
        self.seconds[at] += seconds
        self.squares += seconds * seconds / units
        self.longest = max(self.longest, seconds)

    def widen(self, position: int) -> None:
        """Join stretches until they reach beyond a position."""
        while position // self.width >= STRETCHES:
            self.units[:] = [*map(sum, zip(self.units[::2], self.units[1::2], strict=True)), *[0] * (STRETCHES // 2)]
            joined = map(math.fsum, zip(self.seconds[::2], self.seconds[1::2], strict=True))
            self.seconds[:] = [*joined, *[0.0] * (STRETCHES // 2)]
            self.width *= 2


def costs_of(meters: Sequence[CostMeter]) -> Costs | None:
    """What the chunks of all threads cost; None where there were none. The meters are widened to the widest."""
    told = [meter for meter in meters if meter.chunks]
    if not told:
        return None
    width = max(meter.width for meter in told)
    for meter in told:
        meter.widen((width // 2) * STRETCHES)
    units = [sum(column) for column in zip(*(meter.units for meter in told), strict=True)]
    seconds = [math.fsum(column) for column in zip(*(meter.seconds for meter in told), strict=True)]
    used = max(at for at, some in enumerate(units) if some) + 1
    chunks, mean = sum(meter.chunks for meter in told), math.fsum(seconds) / sum(units)
    scatter = math.fsum(meter.squares for meter in told) - mean * mean * sum(units)
    deviation = math.sqrt(max(0.0, scatter) / (chunks - 1)) if chunks > 1 else 0.0
    return Costs(chunks, width, units[:used], seconds[:used], deviation, max(meter.longest for meter in told))
