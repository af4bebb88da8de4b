"""The climb of a pool, on threads whose time a test moves; whose turn it is, the ramp's or the climb's."""

import math
from collections.abc import Callable

import pytest

from orchestrator.engine.climbing import Climber, Slope, Turns
from orchestrator.engine.ramping import Ground, Ramp
from orchestrator.host.cpus import ThreadDecision
from tests.engine.simulated import NO_LIMITS, SimulatedPool

TWO = ThreadDecision(2, "2 CPUs", climbs=True)
ITEMS, CHUNK = 25, 0.025


def pool_of(seconds: float, cpus: float, waiting: float, chunk: float = CHUNK) -> SimulatedPool:
    """A job of about so many seconds on two threads, each of which waits for a share of its time."""
    item = chunk / ITEMS

    def item_seconds(threads: int) -> float:
        return item * max(1.0, threads * (1 - waiting) / cpus)

    return SimulatedPool(ITEMS * round(2 * seconds / chunk), ITEMS, item_seconds)


def climber_of(
    pool: SimulatedPool,
    decision: ThreadDecision = TWO,
    *,
    most: int = 8,
    runnable: Callable[[], float | None] = lambda: None,
    memory: Callable[[], float] = lambda: 0.0,
) -> Climber:
    """A climb over that pool, whose threads begin to work."""
    pool.allow(decision.threads)
    return Climber(Slope(pool, NO_LIMITS, runnable, memory, lambda: pool.now), decision, most)


def run(pool: SimulatedPool, climber: Climber | Turns) -> None:
    """Run the job to its end, looking whenever it is asked for."""
    while not pool.ended:
        pause = climber.pause()
        pool.move(0.05 if math.isinf(pause) else pause)
        climber.step()


def test_a_job_that_waits():
    """Half of the time waited for on two CPUs: the job has four threads in the end, and the reason tells the way."""
    pool = pool_of(60, 2, 0.5)
    climber = climber_of(pool)
    run(pool, climber)
    assert (climber.over, pool.allowed) == (True, 4)
    reason = "2 CPUs; climbed 2→3→4; 6 gave as much as 4; 5 gave as much as 4"
    assert climber.decision == ThreadDecision(4, reason, climbs=True)


def test_a_job_that_computes():
    """Threads that run all the time are left alone after one window; without that evidence more of them are tried."""
    pool = pool_of(60, 2, 0.0)
    climber = climber_of(pool, runnable=lambda: 2 * pool.now)
    run(pool, climber)
    assert set(pool.asked) == {2}
    assert climber.decision.reason == "2 CPUs; they wait 0 % of their time, too little for more of them"
    pool = pool_of(60, 2, 0.0)
    climber = climber_of(pool)
    run(pool, climber)
    assert (set(pool.asked), pool.allowed) == ({2, 3}, 2)
    assert climber.decision.reason == "2 CPUs; 3 gave as much as 2"


def test_what_does_not_climb():
    """A decision that does not climb is left as it is, and asks for nothing."""
    pool = pool_of(10, 2, 0.5)
    fixed = ThreadDecision(2, "asked for")
    climber = climber_of(pool, fixed)
    assert math.isinf(climber.pause())
    run(pool, climber)
    assert (climber.decision, pool.asked) == (fixed, [2])


def test_no_further_than_the_board():
    """The board's lines, and four threads a CPU, are the most."""
    for most, found in ((5, 5), (100, 8)):
        pool = pool_of(120, 2, 0.97)
        climber = climber_of(pool, most=most)
        run(pool, climber)
        assert max(pool.asked) == climber.decision.threads == found


def test_a_job_that_ends_first():
    """A job that is over before something is found keeps what it had, and the report says so."""
    pool = pool_of(1.2, 2, 0.5)
    climber = climber_of(pool)
    run(pool, climber)
    assert climber.decision.reason == "2 CPUs; the job ended before 3 could be judged"
    pool = pool_of(0.1, 2, 0.5)
    climber = climber_of(pool)
    run(pool, climber)
    assert climber.decision == ThreadDecision(2, "2 CPUs; it ended too soon to try more", climbs=True)


def test_threads_that_memory_takes_away():
    """When somebody else changes the number of threads, the climb is over and leaves it as it is."""
    pool = pool_of(60, 2, 0.5)
    climber = climber_of(pool)
    while len(pool.asked) < 4:
        pool.move(climber.pause())
        climber.step()
    pool.allow(1)
    run(pool, climber)
    assert pool.allowed == 1
    assert climber.decision.reason == "2 CPUs; memory took threads away before 3 could be judged"


def test_memory_that_is_short():
    """Nothing is tried that memory would not be expected to hold."""
    pool = pool_of(60, 2, 0.5)
    climber = climber_of(pool, memory=lambda: 0.8)
    run(pool, climber)
    assert climber.decision.reason == "2 CPUs; 3 would come near the memory limit, of which 2 use 80%"


def test_a_quota_that_changes():
    """With another quota the climb begins again, from the number that it gives."""
    pool = pool_of(60, 2, 0.5)
    climber = climber_of(pool)
    while not climber.over:
        pool.move(climber.pause())
        climber.step()
    pool.allow(1)
    climber.restart(ThreadDecision(1, "quota of 1 CPU", climbs=True))
    run(pool, climber)
    assert climber.decision.reason.startswith("quota of 1 CPU; climbed 1→2→3→4; 4 is the most")


@pytest.mark.parametrize("chunk", [2.0, 10.0])
def test_long_chunks(chunk):
    """Windows are as long as the chunks need, and the threads that are given back are those that were found."""
    pool = pool_of(600 * chunk, 2, 0.5, chunk)
    climber = climber_of(pool)
    run(pool, climber)
    # A chunk that began with fewer threads ends as fast as it began: four and five are hard to tell apart.
    assert climber.over
    assert pool.allowed == climber.decision.threads
    assert pool.allowed in (4, 5)


def test_a_chunk_that_does_not_end():
    """When threads do not come to the end of their chunks in time, the job has the threads that it held."""
    pool = pool_of(600, 2, 0.5)
    climber = climber_of(pool)
    while len(pool.asked) < 3:
        pool.move(climber.pause())
        climber.step()
    pool.item_seconds = lambda _: 1.0
    pool.items = 10 * ITEMS
    run(pool, climber)
    assert pool.allowed == 2
    assert climber.decision.reason == "2 CPUs; a thread did not come to the end of its chunk in time"


@pytest.mark.parametrize("seconds", [4, 60])
def test_turns(seconds):
    """The ramp comes first where the job is long enough for one; a job that is too short climbs without."""
    pool = pool_of(seconds, 2, 0.5)
    climber = climber_of(pool)
    ramp = Ramp(Ground(pool, 2, pool.picture, NO_LIMITS, lambda: pool.now))
    run(pool, Turns(ramp, climber))
    scaling, why = ramp.result()
    assert (scaling is None) == (seconds == 4)
    assert (scaling is not None) or why.startswith("too short to measure")
    first_more = next(at for at, threads in enumerate(pool.asked) if threads > 2)
    assert (1 in pool.asked[:first_more]) == (seconds == 60)
    assert 1 not in pool.asked[first_more:]
    assert climber.decision.threads >= 3
