"""The ramp of a run, on threads whose time a test moves."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.engine import ramping
from orchestrator.engine.board import UNKNOWN, Picture
from orchestrator.engine.ramping import Ground, Ramp, seconds_left, why_no_ramp
from orchestrator.host.cgroups import CpuQuota
from orchestrator.measure.ramp import MOST_COST
from orchestrator.measure.scaling import Scaling
from orchestrator.measure.windows import Mark
from orchestrator.spec.load import parse_job
from tests.engine.simulated import NO_LIMITS, SimulatedPool
from tests.measure.curves import usl

CHUNK = 0.025
ITEMS = 25


def pool_of(threads: int, seconds: float, *, contention: float = 0.0, chunk: float = CHUNK) -> SimulatedPool:
    """A pool whose job takes about so many seconds with all threads."""
    item = chunk / ITEMS

    def item_seconds(allowed: int) -> float:
        return item * allowed / usl(allowed, 1.0, contention, 0.0)

    chunks = max(threads, round(seconds * threads / (ITEMS * item_seconds(threads))))
    return SimulatedPool(ITEMS * chunks, ITEMS, item_seconds)


def ramp_of(pool: SimulatedPool, threads: int) -> Ramp:
    """A ramp over that pool, whose threads begin to work."""
    pool.allow(threads)
    return Ramp(Ground(pool, threads, pool.picture, NO_LIMITS, lambda: pool.now))


def run(pool: SimulatedPool, ramp: Ramp, late: float = 0.0) -> float:
    """Run the job to its end, looking at the ramp whenever it asks for it (or so much later); how long it took."""
    began = pool.now
    while not pool.ended:
        pause = ramp.pause() + late
        pool.move(0.05 if math.isinf(pause) else pause)
        ramp.step()
    return pool.now - began


def curve(ramp: Ramp) -> Scaling:
    """The curve that it found."""
    scaling, why = ramp.result()
    assert scaling is not None, why
    return scaling


@pytest.mark.parametrize("threads", [2, 3, 4, 8, 16])
@pytest.mark.parametrize("contention", [0.0, 0.05, 0.5])
def test_a_ramp_finds_the_curve(threads: int, contention: float, monkeypatch: pytest.MonkeyPatch):
    """The speedup that a ramp tells is that of the threads, whatever their number; the job has all of them again."""
    monkeypatch.setattr(ramping, "cpu_facts", lambda: ramping.CpuFacts(tuple(range(threads))))
    pool = pool_of(threads, 600.0, contention=contention)
    ramp = ramp_of(pool, threads)
    run(pool, ramp)
    scaling = curve(ramp)
    assert pool.asked[-1] == pool.allowed == threads
    assert scaling.notes == []
    for point in scaling.points:
        assert point.speedup is not None
        expected = usl(point.threads, 1.0, contention, 0.0)
        assert point.speedup.value == pytest.approx(expected, rel=0.02)
        assert point.efficiency.value == pytest.approx(expected / point.threads, rel=0.02)
    assert (scaling.law is not None) == (threads >= 4)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(2, 12),
    st.floats(0.2, 200),
    st.floats(0, 0.5),
    st.sampled_from([0.001, 0.025, 0.2, 1.5]),
    st.sampled_from([0.0, 0.02]),
)
def test_a_ramp_costs_at_most_its_budget(threads: int, seconds: float, contention: float, chunk: float, late: float):
    """However long the job and its chunks are, and however late the ramp is looked at, it takes little of the job."""
    pool = pool_of(threads, seconds, contention=contention, chunk=chunk)
    ramp = ramp_of(pool, threads)
    took = run(pool, ramp, late)
    scaling, why = ramp.result()
    idle = 0.0 if scaling is None else scaling.lost_seconds
    # One look too late, and the last chunks, which no ramp is to blame for.
    assert idle <= MOST_COST * took + 1.5 * chunk + 0.1 + late
    assert (scaling is None) == bool(why)
    assert pool.done % ITEMS == 0
    assert pool.items == 0


def test_a_short_job_has_none():
    """A job of two seconds is not held up at all, and the report says why it has no curve."""
    pool = pool_of(2, 2.0)
    ramp = ramp_of(pool, 2)
    run(pool, ramp)
    scaling, why = ramp.result()
    assert scaling is None
    assert why.startswith("too short to measure: it takes about 2")
    assert set(pool.asked) == {2}


def test_a_job_that_is_over_at_once():
    """A job whose threads have done less than a few chunks each cannot be judged."""
    pool = pool_of(2, 0.1)
    ramp = ramp_of(pool, 2)
    run(pool, ramp)
    assert ramp.result() == (None, "too short to measure: it ended before its chunks had their proper size")


def test_threads_that_somebody_else_changes():
    """When the quota or the memory takes threads away during the ramp, it is void, and they are not given back."""
    pool = pool_of(4, 60.0)
    ramp = ramp_of(pool, 4)
    while len(pool.asked) < 4:
        pool.move(ramp.pause())
        ramp.step()
    pool.allow(3)
    pool.move(ramp.pause())
    ramp.step()
    assert ramp.over
    assert ramp.result() == (None, "void: the number of threads was changed while it was measured")
    assert pool.allowed == 3
    assert math.isinf(ramp.pause())


def test_a_quota_that_changes(monkeypatch: pytest.MonkeyPatch):
    """A quota that is another one at the end of the ramp makes it void; the job has its threads all the same."""
    facts = ramping.CpuFacts((0, 1), CpuQuota(1.5, "/", 150_000, 100_000, 2))
    monkeypatch.setattr(ramping, "cpu_facts", lambda: facts)
    pool = pool_of(2, 60.0)
    ramp = ramp_of(pool, 2)
    run(pool, ramp)
    scaling, why = ramp.result()
    assert scaling is None
    assert why.startswith("void: the CPU quota changed while it was measured: 1.5 CPUs")
    assert why.endswith(" before, no quota after")
    assert pool.allowed == 2


def test_a_chunk_that_takes_much_longer():
    """A thread that does not come to the end of its chunk cuts the ramp short, and the others go on."""
    pool = pool_of(2, 600.0)
    ramp = ramp_of(pool, 2)
    while len(pool.asked) < 3:
        pool.move(ramp.pause())
        ramp.step()
    pool.threads[1].ends_at = pool.now + 100.0
    run(pool, ramp)
    scaling, why = ramp.result()
    assert (scaling, why) == (None, "cut short: a thread did not come to the end of its chunk in time")
    assert pool.allowed == 2


def test_a_run_that_ends_during_the_ramp():
    """Where the work runs out before every count has had its windows twice, there is no curve, and that is said."""
    pool = pool_of(2, 60.0)
    ramp = ramp_of(pool, 2)
    while len(pool.asked) < 3:
        pool.move(ramp.pause())
        ramp.step()
    pool.items = 0
    run(pool, ramp)
    assert ramp.result() == (None, "the run ended while it was measured")


@pytest.mark.parametrize(
    ("scaling", "threads", "why"),
    [
        ("auto", 2, ""),
        ("auto", 1, "one thread: there is nothing to compare it with"),
        ("off", 2, "measure.scaling is off"),
    ],
)
def test_jobs_without_a_ramp(scaling: str, threads: int, why: str):
    """One thread, or a job that does not want it, has no ramp; such a ramp is over from the beginning."""
    job = f'{{"task": "a:b", "input": {{"range": {{"stop": 1}}}}, "measure": {{"scaling": "{scaling}"}}}}'
    assert why_no_ramp(parse_job(job.encode()), threads) == why
    pool = pool_of(2, 60.0)
    ramp = Ramp(Ground(pool, 2, pool.picture, NO_LIMITS, lambda: pool.now), why)
    assert ramp.over == bool(why)
    assert math.isinf(ramp.pause()) == bool(why)
    ramp.step()
    assert pool.asked == []


def test_the_time_that_is_left():
    """It is what the threads' own rates since the job was warm leave, by items or by bytes, whichever is sooner."""
    before = [Mark(10.0, 0, 0.1, 4, 10, 10, 0), Mark(10.0, 0, 0.1, 4, 0, 0, 0)]
    now = [Mark(12.0, 0, 0.1, 9, 20, 20, 500), Mark(11.0, 0, 0.1, 9, 5, 5, 0)]

    def left(total_items: int, total_bytes: int, done: int = 20) -> float | None:
        return seconds_left(before, now, Picture(total_items, total_bytes, done, 500, 2, 0, ()))

    assert left(100, UNKNOWN) == pytest.approx(80 / (5 + 5))
    assert left(UNKNOWN, 1000) == pytest.approx(500 / 250)
    assert left(100, 1000) == pytest.approx(2.0)
    assert left(UNKNOWN, UNKNOWN) is None
    assert left(10, UNKNOWN) == 0.0
    assert seconds_left(before, [now[0], before[1]], Picture(100, UNKNOWN, 0, 0, 2, 0, ())) is None
