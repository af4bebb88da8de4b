"""Evictions in a forecast: what they cost a shard, where their rate is from, and what is said of them."""

import math
import statistics
from functools import partial
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from orchestrator.cluster.forecast.chance import poisson_most, rate_within
from orchestrator.cluster.forecast.choice import Wish, better_shards, choose
from orchestrator.cluster.forecast.evicted import Evictions, evictions_of
from orchestrator.cluster.forecast.makespan import Dealt
from orchestrator.cluster.forecast.making import Asked, basis_of
from orchestrator.cluster.forecast.measured import Pods
from orchestrator.cluster.forecast.model import predict
from orchestrator.cluster.forecast.text import forecast_text
from orchestrator.errors import JobError
from orchestrator.measure.estimate import Estimate
from tests.cluster.simulation import Cluster, Node, seeded
from tests.cluster.specs import spec_of
from tests.cluster.test_forecast import MEASURED, PLANNED, TERMS

HOUR = 3600.0
TAKEN = Pods("squares-0", 50, 7.0, 2.0, 0.0, evicted=4, lived=20 * HOUR)


def at(hourly, **more):
    """The terms of a job whose pods are evicted so often an hour."""
    rate = hourly / HOUR
    return structs.replace(TERMS, evictions=Estimate(rate, rate, rate), **more)


@given(
    st.lists(st.floats(0, 1000), min_size=1, max_size=40), st.floats(0, 100), st.floats(0, 0.01), st.floats(0, 0.999)
)
def test_evictions_make_no_shard_shorter(work, ready, rate, offset):
    """Every shard takes what it took and what it lost, and each eviction costs ten seconds at least."""
    pods = Dealt([ready] * len(work), work)
    struck = Evictions(rate, ready, 1.0).strike(pods, offset, Random(1))
    assert struck.pods.ready == pods.ready
    assert struck.pods.work == [needed + lost for needed, lost in zip(work, struck.lost, strict=True)]
    assert min(struck.lost) >= 0
    assert math.fsum(struck.lost) >= 10 * struck.evictions * (1 - 1e-9)


@pytest.mark.parametrize("rate", [1 / 2000, 1 / 300, 1 / 120])
def test_as_many_are_expected_as_are_simulated(rate):
    """One shard of 200 s, pods of 20 s to start: how often it is evicted, and what that costs, over 1,500 runs."""
    lives = seeded(7)
    runs = [
        Cluster([0.5] * 800, 1, 1, Node(2), lambda: 20.0, lives=partial(lives.expovariate, rate)) for _ in range(1500)
    ]
    seconds = statistics.fmean(run.run() for run in runs)
    often = statistics.fmean(run.evictions for run in runs)
    evictions = Evictions(rate, 20.0, 0.75)
    struck = evictions.strike(Dealt([20.0] * 1500, [200.0] * 1500), 0.5, Random(1))
    assert evictions.expected(200.0) == pytest.approx(often, rel=0.1)
    assert struck.evictions / 1500 == pytest.approx(often, rel=0.1)
    assert 220 + statistics.fmean(struck.lost) == pytest.approx(seconds, rel=0.05)


def test_what_is_done_at_one_go_is_begun_again():
    """A plan that takes an hour where pods live for one is made e - 1 times; others that wait begin at once."""
    evictions = Evictions(1 / HOUR, 20.0, 0.0)
    alone, at_most = evictions.again(HOUR, others=False)
    assert evictions.again(HOUR, others=True)[0] == pytest.approx((math.e - 2) * HOUR)
    assert alone == pytest.approx((math.e - 2) * HOUR + (math.e - 1) * 30)
    assert at_most > 4 * HOUR
    assert evictions.again(0.0, others=False) == Evictions(0.0, 20.0, 0.0).again(HOUR, others=False) == (0.0, 0.0)


def test_no_evictions_change_nothing():
    """At a rate of 0 the row is the same, and none is foretold."""
    assert predict(at(0.0), 8) == predict(TERMS, 8)
    assert predict(TERMS, 8).evictions == 0


def test_time_and_cost_grow_with_the_rate():
    """Each rate costs more than the one before, the more at worst; what nobody redoes is not paid for twice."""
    rows = [predict(at(hourly), 16) for hourly in (0.0, 0.2, 2.0, 20.0)]
    for few, many in pairwise(rows):
        assert many.evictions > few.evictions
        assert many.seconds > few.seconds
        assert many.cpu_hours > few.cpu_hours
        assert many.high - many.seconds > few.high - few.seconds
        assert many.low <= many.seconds
    # 64 shards of 177 s: 3.2 hours of pods, ten of which live for an hour.
    assert rows[2].evictions == pytest.approx(2.0 * 64 * 177 / HOUR, rel=0.1)


def test_long_shards_are_advised_against():
    """A shard of days that is evicted every other hour waits out its back-off each time: shorter ones are quicker."""
    long = at(0.5, amount=4e6, items=4e6, units=4e6, shards=4)
    better = better_shards(long, predict(long, 4), None)
    assert better is not None
    assert better.shards > 16
    calm = at(0.0, amount=4e6, items=4e6, units=4e6, shards=4)
    assert better_shards(calm, predict(calm, 4), None) is None


def test_what_is_lost_is_what_was_at_hand():
    """Half a second of results that were not committed, and half of an item; more where few of them are very long."""
    assert evictions_of(TERMS, 0.0).redone == pytest.approx(0.5 + 0.05)
    uneven = structs.replace(TERMS, item_variation=3.0, longest=10.0, rarest=10.0)
    assert evictions_of(uneven, 0.0).redone == pytest.approx(0.5 + 0.5)
    assert evictions_of(TERMS, 0.0).ready == 21


@pytest.mark.parametrize(("mean", "probability", "most"), [(0.1, 0.9, 0), (0.1, 0.975, 1), (3.0, 0.975, 7), (0, 1, 0)])
def test_poissons_quantiles(mean, probability, most):
    """As tables of it have them; of large means about what the normal distribution says."""
    assert poisson_most(mean, probability) == most
    assert poisson_most(1e4, 0.975) == pytest.approx(1e4 + 196, abs=1)


def test_the_interval_of_a_counted_rate():
    """Four events of a rate: 1.09 to 10.24 may have been expected (the exact interval)."""
    low, high = rate_within(4)
    assert (4 * low, 4 * high) == (pytest.approx(1.09, abs=0.02), pytest.approx(10.24, abs=0.02))


def test_where_the_rate_is_from():
    """What the user gives wins over what pods told, that over none; each says so."""
    found = {}
    for asked in (Asked(None, TAKEN, 0.5), Asked(None, TAKEN), Asked(None, structs.replace(TAKEN, evicted=0)), Asked()):
        basis = basis_of(spec_of(), MEASURED, PLANNED, asked)
        figure = next(figure for figure in basis.figures if figure.name == "evictions")
        rate = basis.terms.evictions
        assert rate.value == pytest.approx(figure.value / HOUR)
        assert rate.low <= rate.value <= rate.high
        found[figure.source] = (figure.origin, figure.value, rate.high > rate.value)
    assert found == {
        "--evictions": ("given", 0.5, False),
        "4 in 20 hours of pods' lives in squares-0": ("measured", 0.2, True),
        "never, as in squares-0; say --evictions for nodes that may be taken away": ("assumed", 0.0, False),
        "never; say --evictions for nodes that may be taken away": ("assumed", 0.0, False),
    }


def test_pods_that_never_get_to_work_are_refused():
    """Evicted three times while it starts, on average: one line instead of a figure."""
    with pytest.raises(JobError, match="pods take 5 min 0 s to start and are evicted after 1 min 40 s"):
        basis_of(spec_of(), MEASURED, PLANNED, Asked(299.5, None, 36.0))


def test_items_that_outlive_their_pods_are_noted():
    """An item of ten minutes where pods live for an hour: what is foretold is too little, and a note says so."""
    slow = structs.replace(MEASURED, seconds=300_000.0)
    long, short = (
        " ".join(basis_of(spec_of(), run, PLANNED, Asked(20.0, None, 1.0)).notes) for run in (slow, MEASURED)
    )
    assert "an item of 10 min 0 s is begun again when its pod is evicted, every 1 h 0 min on average" in long
    assert "begun again" not in short


def test_the_text_tells_of_evictions():
    """A column of how many pods, and where the rate is from; without evictions no column."""
    spec = spec_of(kubernetes={"shards": 64})
    calm, busy = (
        forecast_text(choose("squares", MEASURED, basis_of(spec, MEASURED, PLANNED, asked), Wish(1200.0, 0.04)), 110)
        for asked in (Asked(), Asked(20.0, None, 2.0))
    )
    assert "EVICTED" not in calm
    assert "evictions 0/h a pod: assumed, never" in calm
    assert "EVICTED" in busy.splitlines()[1]
    assert "evictions 2/h a pod: given, --evictions" in busy
