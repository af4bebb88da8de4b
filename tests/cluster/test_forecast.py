"""The parts of a forecast: how pods are dealt, what terms are made of a run, and which nodes are chosen."""

import math
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from orchestrator.cluster.forecast.choice import Table, Wish, better_shards, choose
from orchestrator.cluster.forecast.curve import growth
from orchestrator.cluster.forecast.makespan import Dealt, graham, makespan
from orchestrator.cluster.forecast.making import Asked, Basis, basis_of, threads_on
from orchestrator.cluster.forecast.measured import Measured, Pods, Stamps
from orchestrator.cluster.forecast.model import predict
from orchestrator.cluster.forecast.shard import shares
from orchestrator.cluster.forecast.terms import Planned, Terms
from orchestrator.cluster.forecast.text import forecast_text
from orchestrator.measure.costs import Costs
from orchestrator.measure.estimate import Estimate
from orchestrator.measure.scaling import scaling_of
from tests.cluster.specs import spec_of
from tests.measure.curves import sweep, usl

TERMS = Terms(
    amount=100_000.0,
    rate=Estimate(10.0, 10.0, 10.0),
    items=100_000.0,
    units=100_000.0,
    variation=0.0,
    most_variation=0.0,
    whole=True,
    item_seconds=0.1,
    item_variation=0.0,
    most_item_variation=0.0,
    longest=0.1,
    rarest=0.1,
    unsure=0.0,
    density=(),
    shards=64,
    cpus=4.0,
    threads=1,
    start=20.0,
    start_deviation=0.0,
    start_unsure=0.0,
    setup=1.0,
    planning=0.0,
    publishing=0.0,
    reading=0.0,
    pods_a_second=1e9,
)
MEASURED = Measured(
    run="squares-1",
    where="/runs/squares-1",
    ended=1.8e9,
    items=1000,
    nbytes=0,
    units=1000,
    seconds=50.0,
    setup=0.5,
    threads=2,
    cpus=2.0,
    axis="item",
    entries=1,
    output=20_000,
    costs=Costs(100, 10, [10] * 100, [1.0] * 100, 0.05, 0.9),
    density=(0.1,) * 100,
    stamps=Stamps(100.0, 100.5, 150.5, 150.7),
)
PLANNED = Planned("item", 100_000, 0, 100_000, 1, "measured", "the input as it is now")
terms = partial(structs.replace, TERMS)
measured = partial(structs.replace, MEASURED)
TIMES = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1000)), min_size=1, max_size=60)


def dealt(times):
    """Pods of so many seconds before and in their work."""
    return Dealt([ready for ready, _ in times], [work for _, work in times])


@given(TIMES, st.integers(1, 80))
def test_no_deal_is_beyond_its_bounds(times, nodes):
    """Pods end no sooner than the mean load or the longest of them, and no later than Graham's bound."""
    pods = dealt(times)
    found = makespan(pods, nodes)
    used = min(nodes, len(times))
    assert max(pods.longest, pods.total / nodes) <= found * (1 + 1e-9) + 1e-9
    assert found <= graham(pods.total, pods.longest, used) * (1 + 1e-9) + 1e-9


@given(TIMES, st.integers(1, 80), st.floats(0, 5), st.floats(0, 500))
def test_waiting_makes_no_deal_shorter(times, nodes, gap, planning):
    """Pods made one after the other, or a plan to wait for, cost no less, and no more than what they add up to."""
    pods = dealt(times)
    at_once, later = makespan(pods, nodes), makespan(pods, nodes, gap, planning)
    assert later >= max(pods.longest, planning) - 1e-9
    assert later <= graham(pods.total, pods.longest, min(nodes, len(times))) + gap * len(times) + planning + 1e-6
    assert makespan(pods, nodes, 0.0, 0.0) == at_once


def test_late_pods_hide_behind_the_plan():
    """While one pod plans the others start: those that are late by less than the plan takes cost nothing."""
    assert makespan(dealt([(1.0, 10.0), (6.0, 10.0)]), 2, planning=20.0) == pytest.approx(1 + 20 + 10)
    assert makespan(dealt([(1.0, 10.0), (30.0, 10.0)]), 2, planning=20.0) == pytest.approx(30 + 10)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=130), st.integers(1, 500))
def test_shares_follow_the_density(density, shards):
    """Shards' shares add up to 1, and none is further from its mean than the cheapest and dearest stretches are."""
    found = shares(density, shards)
    mean = math.fsum(density) / len(density)
    assert math.fsum(found) == pytest.approx(1.0)
    assert min(density) / mean / shards <= min(found) * (1 + 1e-6) + 1e-12
    assert max(found) <= max(density) / mean / shards * (1 + 1e-6) + 1e-12


@pytest.mark.parametrize(("nodes", "waves"), [(1, 64), (32, 2), (33, 2), (63, 2), (64, 1)])
def test_even_shards_come_in_waves(nodes, waves):
    """64 equal shards: each is a pod of its own, so start-up is paid in each wave; 33 nodes are no quicker than 32."""
    each = 20 + 1 + 100_000 / 10 / 64
    row = predict(terms(amount=99_968.0, units=99_968.0, items=99_968.0), nodes)
    assert row.seconds == pytest.approx(waves * each, rel=1e-3)
    assert row.cpu_hours == pytest.approx(nodes * 4 * row.seconds / 3600)
    assert row.low <= row.seconds <= row.high


def test_more_nodes_than_shards_do_not_help():
    """They have nothing to work on, and are paid for all the same."""
    few, many = predict(TERMS, 64), predict(TERMS, 200)
    assert many.seconds == few.seconds
    assert many.cpu_hours > few.cpu_hours


def test_the_controller_is_what_many_short_pods_wait_for():
    """10,000 pods of two seconds, ten made a second: 1,000 s and no less, however many nodes there are."""
    short = terms(amount=10_000.0, items=10_000.0, units=10_000.0, shards=10_000, start=1.0, setup=0.0)
    slow = structs.replace(short, pods_a_second=10.0)
    assert predict(slow, 1000).seconds == pytest.approx(1000 + 1.1, rel=0.01)
    assert predict(short, 1000).seconds < 20


def test_planning_and_publishing_are_serial():
    """What one pod does while the others wait, or have ended, is added whatever the number of nodes."""
    for nodes in (1, 64):
        plain = predict(TERMS, nodes)
        more = predict(terms(planning=30.0, publishing=50.0, reading=0.5), nodes)
        assert more.seconds - plain.seconds == pytest.approx(30 + 50 + 0.5 * 64)


@given(st.integers(1, 40), st.floats(10, 30_000))
def test_the_cheapest_that_keep_a_deadline(shards, deadline):
    """Where all counts can be looked at, the choice is what looking at each of them gives."""
    basis = Basis(terms(shards=shards, variation=5.0, most_variation=5.0), [], [])
    found = choose("squares", MEASURED, basis, Wish(deadline, 0.04))
    all_rows = [predict(basis.terms, nodes) for nodes in range(1, shards + 1)]
    keep = [row for row in all_rows if row.seconds <= deadline]
    assert (found.cheapest is None) == (not keep)
    assert found.fastest.seconds == min(row.seconds for row in all_rows)
    assert found.enough.seconds * 0.95 <= found.fastest.seconds
    if found.cheapest is not None:
        assert found.cheapest.cpu_hours == pytest.approx(min(row.cpu_hours for row in keep))
        assert found.cheapest.cost == pytest.approx(0.04 * found.cheapest.cpu_hours)
        assert found.cheapest in found.rows
    if found.safe is not None:
        assert found.safe.high <= deadline


def test_a_grid_is_searched_between_its_counts():
    """Without shards there are as many as nodes, up to 1,000: too many to look at all, and no worse for that."""
    loose = terms(shards=None, pods_a_second=10.0)
    table = Table(loose, None)
    found = choose("squares", MEASURED, Basis(loose, [], []), Wish(600.0))
    rows = [table.at(nodes) for nodes in range(1, 201)]
    assert found.cheapest.nodes == min((row for row in rows if row.seconds <= 600), key=lambda row: row.cpu_hours).nodes
    rows += [table.at(nodes) for nodes in range(220, 1001, 20)]
    assert found.fastest.seconds <= min(row.seconds for row in rows) * 1.02


def test_no_deadline_that_cannot_be_kept_is_named_kept():
    """One clear line, with the best that can be had."""
    found = choose("squares", MEASURED, Basis(TERMS, [], []), Wish(60.0))
    assert (found.cheapest, found.safe) == (None, None)
    told = " ".join(forecast_text(found, 100).split())
    assert "1 min 0 s cannot be kept; the best is 64 nodes: 2 min 57 s" in told
    assert "more than 64 nodes would have no shard to work on" in told


def test_another_number_of_shards_is_advised():
    """Three shards for two nodes leave one idle; 10,000 for ten nodes are start-up above all. Good ones are let be."""
    better = better_shards(terms(shards=3), predict(terms(shards=3), 2), None)
    assert better.shards % 2 == 0
    assert better.seconds < predict(terms(shards=3), 2).seconds * 0.95
    assert better_shards(terms(shards=10_000), predict(terms(shards=10_000), 10), None).shards < 1000
    assert better_shards(TERMS, predict(TERMS, 64), None) is None


@pytest.mark.parametrize(
    ("cpu", "rounding", "threads"),
    [(2, "floor", 2), ("2500m", "floor", 2), ("2500m", "ceil", 3), ("1500m", "floor", 1)],
)
def test_threads_are_whole_and_cpus_are_paid_for(cpu, rounding, threads):
    """A pod of 2.5 CPUs has two threads by default, and costs 2.5 CPUs; by `ceil` three share them."""
    spec = spec_of(kubernetes={"cpu": cpu}, resources={"rounding": rounding})
    found = basis_of(spec, MEASURED, PLANNED, Asked()).terms
    assert threads_on(spec).threads == found.threads == threads
    assert found.cpus == spec.kubernetes.cpu.milli / 1000
    assert found.rate.value == pytest.approx(20 * min(threads, found.cpus) / 2)


def test_the_law_says_what_other_cpus_do():
    """Where four counts of threads were measured, their law is used, within a few percent of the truth."""
    rate = partial(usl, rate=100.0, contention=0.02, coherency=0.0005)
    curve = scaling_of(sweep(rate, (1, 2, 4, 8)), 8.0)
    found = growth(measured(threads=8, cpus=8.0, scaling=curve), 16.0)
    assert found.origin == "computed"
    assert found.ratio.value == pytest.approx(rate(16) / rate(8), rel=0.02)
    assert found.ratio.low <= found.ratio.value <= found.ratio.high


def test_two_points_say_little_of_sixteen_cpus():
    """As efficient as measured, at worst by Amdahl's law; beyond what was measured a note says so."""
    curve = scaling_of(sweep(partial(usl, rate=100.0, contention=0.1, coherency=0.0), (1, 2)), 2.0)
    found = growth(measured(scaling=curve), 16.0)
    assert found.ratio.value == 8
    assert found.ratio.low == pytest.approx((1 / (0.1 + 0.9 / 16)) / (1 / (0.1 + 0.9 / 2)), rel=0.01)
    assert "no curve reaches 16 CPUs" in found.note


def test_no_curve_is_assumed_to_be_straight_in_the_open():
    """Nothing was measured of how it scales: the figure is called assumed, and a note says what would measure it."""
    found = growth(MEASURED, 16.0)
    assert (found.origin, found.ratio.value) == ("assumed", 8)
    assert "`ftorch scale`" in found.note
    assert growth(MEASURED, 2.0).origin == "measured"


def test_the_same_input_is_known_another_one_is_a_sample():
    """Of the same input its stretches are scheduled as they are; of a larger one the rate is unsure."""
    same = basis_of(spec_of(), MEASURED, structs.replace(PLANNED, items=1000, units=1000), Asked()).terms
    more = basis_of(spec_of(), MEASURED, PLANNED, Asked()).terms
    limited = basis_of(spec_of(), measured(limited=True), structs.replace(PLANNED, items=1000), Asked()).terms
    assert same.density == MEASURED.density
    assert same.unsure == 0
    assert more.density == limited.density == ()
    assert more.unsure == pytest.approx(1.96 * 0.5 / math.sqrt(1000), rel=0.01)
    assert more.rarest > more.longest > same.longest == same.rarest == 0.9


def test_stretches_that_differ_are_a_warning_in_a_sample():
    """Where one half of a sample cost more than the other, the rest may cost otherwise: that is told."""
    drifting = measured(density=(0.2,) * 50 + (0.1,) * 50)
    notes = " ".join(basis_of(spec_of(), drifting, PLANNED, Asked()).notes)
    assert "one half of the input cost 2 times the other" in notes


def test_every_figure_says_where_it_is_from():
    """What the user gives wins over what pods told, that over what is assumed; nothing is without its source."""
    starts = {}
    pods = Pods("squares-0", 50, 7.0, 2.0, 0.0)
    for asked in (Asked(3.0, pods), Asked(None, pods), Asked()):
        basis = basis_of(spec_of(), MEASURED, PLANNED, asked)
        figures = {figure.name: figure for figure in basis.figures}
        assert all(figure.source and figure.origin for figure in basis.figures)
        starts[figures["pod start"].origin] = basis.terms.start
    assert starts == {"given": 3.0, "measured": 7.0, "assumed": 20.0}


def test_what_was_too_short_to_be_scaled_is_assumed():
    """0.2 s of publishing say nothing of 100 times as much: a rule is used, and called assumed; 20 s do."""
    figures = {figure.name: figure for figure in basis_of(spec_of(), MEASURED, PLANNED, Asked()).figures}
    assert (figures["publishing"].origin, figures["publishing"].value) == ("assumed", 0.01)
    assert (figures["planning"].origin, figures["planning"].value) == ("measured", 0.5)
    longer = measured(stamps=Stamps(100.0, 100.5, 150.5, 170.5))
    figures = {figure.name: figure for figure in basis_of(spec_of(), longer, PLANNED, Asked()).figures}
    assert (figures["publishing"].origin, figures["publishing"].value) == ("computed", pytest.approx(2000.0))


def test_the_text_fits_a_screen():
    """Forty lines of a hundred columns at most, with each chosen number of nodes in the table."""
    spec = spec_of(kubernetes={"shards": 300})
    found = choose("squares", MEASURED, basis_of(spec, MEASURED, PLANNED, Asked()), Wish(1200.0, 0.04))
    lines = forecast_text(found, 100).splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    assert lines[0].startswith("squares in 300 shards: computed, not measured, from run squares-1 of ")
    assert {row.nodes for row in (found.cheapest, found.safe, found.enough)} <= {row.nodes for row in found.rows}
