"""Figures with intervals."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measure.estimate import Estimate, geometric, t_quantile

positive = st.floats(1e-6, 1e6)


@pytest.mark.parametrize(
    ("freedom", "expected"), [(1, 12.706), (3, 3.182), (30, 2.042), (40, 2.021), (60, 2.000), (120, 1.980)]
)
def test_quantiles_of_students_t(freedom: int, expected: float):
    """They are those of the printed tables, beyond the 30 that are stored as well."""
    assert t_quantile(freedom) == pytest.approx(expected, rel=2e-3)


def test_quantiles_fall():
    """More degrees of freedom never widen an interval."""
    quantiles = [t_quantile(freedom) for freedom in range(1, 300)]
    assert quantiles == sorted(quantiles, reverse=True)
    assert quantiles[-1] > 1.96


@given(st.lists(positive, min_size=2, max_size=20))
def test_an_interval_holds_its_figure(values: list[float]):
    """The figure is the geometric mean, and lies in its interval."""
    found = geometric(values)
    assert found is not None
    assert found.value == pytest.approx(math.prod(value ** (1 / len(values)) for value in values), rel=1e-6)
    assert found.low <= found.value * (1 + 1e-9)
    assert found.value <= found.high * (1 + 1e-9)


@given(st.lists(positive, min_size=2, max_size=20), st.floats(1e-3, 1e3))
def test_a_unit_changes_nothing(values: list[float], factor: float):
    """The figure of values in another unit is the figure in that unit, interval and all."""
    found, scaled = geometric(values), geometric([value * factor for value in values])
    assert found is not None
    assert scaled is not None
    assert scaled.value == pytest.approx(found.map_by(factor).value, rel=1e-6)
    assert scaled.spread == pytest.approx(found.spread, rel=1e-5)


def test_one_value_tells_no_spread():
    """Fewer than two values have no interval, and so give no figure."""
    assert geometric([]) is geometric([1.0]) is None


def test_equal_values_leave_no_doubt():
    """Where all values are the same, the interval is a point."""
    assert geometric([2.0] * 5) == Estimate(pytest.approx(2.0), pytest.approx(2.0), pytest.approx(2.0))


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Of 1,000 samples of four noisy values, about 95 % have the true figure in their interval."""
    chance = random.Random(1)
    samples = [[math.exp(chance.gauss(0, 0.1)) for _ in range(4)] for _ in range(1000)]
    held = sum(found.low <= 1.0 <= found.high for sample in samples if (found := geometric(sample)))
    assert 930 <= held <= 970


def test_the_spread_of_what_may_be_nothing():
    """An interval that reaches down to zero has no finite spread."""
    assert Estimate(1.0, 0.0, 2.0).spread == math.inf
