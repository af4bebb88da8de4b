"""Which windows a ramp has, and what they cost."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestrator.measure.ramp import (
    MOST_COST,
    RampPlan,
    lost_share,
    plan_ramp,
    shuffled,
    sweep_counts,
    thread_counts,
    up_and_down,
)
from orchestrator.measure.usl import FEWEST_COUNTS

threads = st.integers(2, 512)


@pytest.mark.parametrize(
    ("most", "counts"),
    [(1, (1,)), (2, (1, 2)), (3, (1, 2, 3)), (4, (1, 2, 3, 4)), (6, (1, 2, 4, 6)), (16, (1, 2, 4, 8, 16))],
)
def test_counts(most: int, counts: tuple[int, ...]):
    """Powers of two up to the number of threads, which is always among them; of four threads three as well."""
    assert thread_counts(most) == counts


@given(threads)
def test_counts_allow_a_fit_where_one_can_be(most: int):
    """From four threads on there are four counts, what a fit needs; all different, from 1 to the most."""
    counts = thread_counts(most)
    assert counts[0] == 1
    assert counts[-1] == most
    assert list(counts) == sorted(set(counts))
    assert len(counts) >= FEWEST_COUNTS or most < FEWEST_COUNTS


@given(threads)
def test_a_sweep_goes_beyond(most: int):
    """A sweep has all counts of a ramp, and some beyond, up to twice as many threads."""
    assert set(thread_counts(most)) < set(sweep_counts(most))
    assert max(sweep_counts(most)) == 2 * most


def test_up_and_down():
    """It begins with all threads, which work already, and turns round where a repeat ends."""
    assert up_and_down((1, 2, 4), 3) == (4, 2, 1, 1, 2, 4, 4, 2, 1)


@given(st.integers(2, 64), st.sampled_from([2, 4, 6]))
def test_a_steady_drift_meets_all_counts_alike(most: int, repeats: int):
    """With an even number of repeats, the positions of each count in the order have the same mean."""
    order = up_and_down(thread_counts(most), repeats)
    means = {count: sum(at for at, each in enumerate(order) if each == count) for count in order}
    assert len(set(means.values())) == 1


@given(st.integers(2, 64), st.integers(1, 6), st.integers(0, 1000))
def test_a_shuffled_order(most: int, repeats: int, seed: int):
    """Each repeat has every count once; the same seed gives the same order."""
    counts = sweep_counts(most)
    order = shuffled(counts, repeats, seed)
    parts = [order[at : at + len(counts)] for at in range(0, len(order), len(counts))]
    assert all(sorted(part) == list(counts) for part in parts)
    assert len(parts) == repeats
    assert order == shuffled(counts, repeats, seed)


def test_another_seed_is_another_order():
    """Ten seeds do not all give one order."""
    assert len({shuffled((1, 2, 4, 8), 5, seed) for seed in range(10)}) > 5


@given(threads, st.floats(0, 1e5), st.floats(0, 1e5), st.floats(1e-4, 100))
def test_a_ramp_keeps_to_its_budget(most: int, elapsed: float, left: float, chunk: float):
    """What a plan's windows and the time between them cost is at most 5 % of the job, and they end well before it."""
    plan = plan_ramp(most, elapsed, left, chunk)
    assume(isinstance(plan, RampPlan))
    assert isinstance(plan, RampPlan)
    cost = lost_share(plan.order, most) * (plan.seconds + plan.settling)
    assert cost <= MOST_COST * (elapsed + left) * 1.000001
    assert plan.duration < left
    assert plan.seconds >= 4 * chunk * 0.999999
    assert plan.repeats % 2 == 0
    assert len(plan.order) == plan.repeats * len(thread_counts(most))


@given(threads, st.floats(0, 1e5), st.floats(1e-4, 100))
def test_a_longer_job_has_a_ramp_as_well(most: int, left: float, chunk: float):
    """Where a job is long enough, one of twice the length is, too."""
    if isinstance(plan_ramp(most, 1.0, left, chunk), RampPlan):
        assert isinstance(plan_ramp(most, 2.0, 2 * left, chunk), RampPlan)


def test_what_two_threads_need():
    """On two threads, with chunks of 25 ms, a job of 6 s has a ramp; one of 5 s has none, and is told what it needs."""
    assert isinstance(plan_ramp(2, 0.4, 5.6, 0.025), RampPlan)
    refused = plan_ramp(2, 0.4, 4.6, 0.025)
    assert refused == (
        "too short to measure: it takes about 5 s, and windows of 1 and 2 threads would cost more than 5% of less "
        "than 5.5 s"
    )


def test_a_job_that_could_only_be_judged_at_its_end():
    """A long job of which too little is left says so."""
    refused = plan_ramp(2, 1000.0, 1.0, 0.025)
    assert refused == "too short to measure: when that could be judged, about 1 s were left, and 1.7 s are needed"


def test_minutes():
    """Long times are told in minutes."""
    assert "of less than 22 min" in str(plan_ramp(16, 1.0, 200.0, 1.0))


def test_neighbours_cost_little():
    """Two neighbouring windows of an order have the same count only where a repeat ends."""
    order = up_and_down((1, 2, 3), 4)
    assert sum(one == other for one, other in pairwise(order)) == 3
