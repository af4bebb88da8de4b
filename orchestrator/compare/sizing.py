"""How much of an input a comparison takes: enough to measure, and not so much that the slowest takes minutes; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.compare.sample import Wanted

TARGET_SECONDS = 1.0
"""What a pass of threads should take."""
MOST_SECONDS = 6.0
"""What a pass of the slowest contestant may take, as far as it can be told before."""
LEAST_SECONDS = 0.15
_GROWTH = 30.0
_FIRST_UNITS = {"file": 50, "item": 200, "byte": 1 << 16}


@dataclass(frozen=True, slots=True)
class Input:
    """What the axis counts, and its length."""

    unit: str
    units: int

    def first_share(self) -> float:
        """A small share to begin with."""
        return min(1.0, _FIRST_UNITS[self.unit] / self.units)


def calibrated(share: float, seconds: float, others: Sequence[float]) -> float:
    """The share of the input to take next, from what a share took.

    Args:
        share: what was taken.
        seconds: what threads took for it.
        others: what the others took.
    """
    growth = min(_GROWTH, TARGET_SECONDS / max(seconds, 1e-3))
    most = min((MOST_SECONDS / max(other, 1e-3) for other in others), default=growth)
    least = LEAST_SECONDS / max(seconds, 1e-3)
    return min(1.0, share * max(1.0, min(growth, max(most, least))))


def wanted_of(whole: Input, items: int, found: int | None) -> Wanted:
    """So many items, spread over the input.

    Args:
        whole: the input.
        items: how many are wanted.
        found: how many items were found in the first share; None before that was looked at.
    """
    if whole.unit != "byte":
        return Wanted(share=min(1.0, items / whole.units))
    first = whole.first_share()
    return Wanted(share=first if not found else min(1.0, first * items / found))
