"""Sets of integers as sorted, disjoint, half-open intervals; pure functions."""

from collections.abc import Iterable, Sequence

type Interval = tuple[int, int]


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The intervals joined where they touch or overlap, sorted; empty ones are dropped."""
    joined: list[Interval] = []
    for lo, hi in sorted(intervals):
        if lo >= hi:
            continue
        if joined and lo <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], hi))
        else:
            joined.append((lo, hi))
    return joined


def missing(lo: int, hi: int, done: Sequence[Interval]) -> list[Interval]:
    """What of [lo, hi) is not in `done`, which is as `union` gives it."""
    gaps: list[Interval] = []
    for start, stop in done:
        if stop <= lo:
            continue
        if start >= hi:
            break
        if start > lo:
            gaps.append((lo, start))
        lo = stop
    if lo < hi:
        gaps.append((lo, hi))
    return gaps
