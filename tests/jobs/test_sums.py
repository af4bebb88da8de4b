"""The loop against arithmetic: i² mod 123 has period 123, so a long sum is whole periods and a rest."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jobs.sums.task import sums

PERIOD = [pow(i, 2, 123) for i in range(123)]


def below(stop: int) -> int:
    """Σ (i² mod 123) for 0 ≤ i < stop, without a loop over i."""
    periods, rest = divmod(stop, 123)
    return periods * sum(PERIOD) + sum(PERIOD[:rest])


@given(number=st.integers(0, 10**9), work=st.integers(0, 2000))
def test_agrees_with_whole_periods_and_a_rest(number: int, work: int):
    """A sum from any number on is the difference of two sums in closed form."""
    assert sums(number, work) == below(number + work) - below(number)


def test_the_default_work_is_ten_thousand():
    """Without arguments an item is ten thousand steps."""
    assert sums(0) == below(10_000)


def test_neighbours_differ():
    """Most items differ from the next, so that a lost or doubled item shows in the output."""
    found = [sums(number, 100) for number in range(123)]
    assert sum(one != other for one, other in pairwise(found)) > 100
