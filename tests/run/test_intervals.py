"""Interval arithmetic agrees with sets of integers."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.run.intervals import Interval, missing, union

bounds = st.integers(-20, 40)
intervals = st.lists(st.tuples(bounds, bounds), max_size=8)


def as_set(found: list[Interval]) -> set[int]:
    """The integers that intervals hold."""
    return {number for lo, hi in found for number in range(lo, hi)}


@given(intervals)
def test_union_holds_the_same_numbers(found: list[Interval]) -> None:
    """The union has every number once, in sorted stretches that do not touch; empty ones vanish."""
    joined = union(found)
    assert as_set(joined) == as_set(found)
    assert sum(hi - lo for lo, hi in joined) == len(as_set(found))
    assert all(lo < hi for lo, hi in joined)
    assert all(before[1] < after[0] for before, after in pairwise(joined))


@given(bounds, bounds, intervals)
def test_missing_is_the_complement(lo: int, hi: int, found: list[Interval]) -> None:
    """What is missing of a stretch is that stretch less what is done, in sorted stretches."""
    gaps = missing(lo, hi, union(found))
    assert as_set(gaps) == set(range(lo, hi)) - as_set(found)
    assert gaps == union(gaps)
