"""What chunks cost along the axis, added up thread by thread."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measure.costs import STRETCHES, CostMeter, costs_of

CHUNKS = st.lists(st.tuples(st.integers(1, 10_000), st.floats(0.0, 100.0)), min_size=1, max_size=60)


def told(chunks, threads=1, origin=0):
    """The meters of some threads that took adjacent chunks in turns."""
    meters, at = [CostMeter() for _ in range(threads)], origin
    for number, (units, seconds) in enumerate(chunks):
        meters[number % threads].note(at, units, seconds)
        at += units
    return meters


@given(CHUNKS, st.integers(1, 5), st.integers(0, 1 << 60))
def test_nothing_is_lost_however_long_the_axis(chunks, threads, origin):
    """Units, seconds and chunks add up to what was told, in at most 128 stretches, wherever on the axis it was."""
    costs = costs_of(told(chunks, threads, origin))
    assert sum(costs.units) == sum(units for units, _ in chunks)
    assert math.fsum(costs.seconds) == pytest.approx(math.fsum(seconds for _, seconds in chunks))
    assert costs.chunks == len(chunks)
    assert costs.longest == max(seconds for _, seconds in chunks)
    assert len(costs.units) == len(costs.seconds) <= STRETCHES
    assert costs.units[-1] > 0


@given(CHUNKS, st.integers(1, 5))
def test_it_does_not_matter_which_thread_did_a_chunk(chunks, threads):
    """The same chunks by one thread and by several give the same figures."""
    alone, shared = costs_of(told(chunks)), costs_of(told(chunks, threads))
    assert alone.units == shared.units
    assert alone.width == shared.width
    assert shared.seconds == pytest.approx(alone.seconds)
    assert shared.deviation == pytest.approx(alone.deviation, abs=1e-6)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_the_deviation_is_that_of_a_unit_whatever_the_chunks(size):
    """From sums over chunks of any size, the deviation of single costs is found again, within a tenth."""
    rng = random.Random(7)
    costs = [rng.expovariate(2.0) for _ in range(size * 2000)]
    meter = CostMeter()
    for at in range(0, len(costs), size):
        meter.note(at, size, math.fsum(costs[at : at + size]))
    assert costs_of([meter]).deviation == pytest.approx(0.5, rel=0.1)
    assert costs_of([meter]).variation == pytest.approx(1.0, rel=0.1)


def test_stretches_show_where_it_is_dear():
    """A quarter of the axis that costs ten times as much is seen as that."""
    meter = CostMeter()
    for at in range(4000):
        meter.note(at, 1, 10.0 if at < 1000 else 1.0)
    costs = costs_of([meter])
    prices = [seconds / units for units, seconds in zip(costs.units, costs.seconds, strict=True)]
    quarter = 1000 // costs.width
    assert set(prices[:quarter]) == {10.0}
    assert set(prices[quarter + 1 :]) == {1.0}


def test_without_chunks_there_is_nothing_to_tell():
    """Threads that did nothing leave no costs, and do not count beside others."""
    assert costs_of([]) is None
    assert costs_of([CostMeter()]) is None
    assert costs_of([CostMeter(), *told([(5, 1.0)])]).chunks == 1
