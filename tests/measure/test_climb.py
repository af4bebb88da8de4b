"""How many threads a job that waits should have: the decision, on curves that are known."""

import math
import random
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measure import climb as climbs
from orchestrator.measure.climb import Climb, Reading, begin, gain, take
from tests.measure.curves import window

MOST_WINDOWS = 12


def waits(cpus: float, share: float) -> Callable[[int], float]:
    """The rate of threads that wait for so much of their time, on so many CPUs."""
    return lambda threads: min(threads * (1 - share), cpus)


def run(
    climb: Climb, rate: Callable[[int], float], noise: float = 0.0, seed: int = 0, waiting: float | None = None
) -> tuple[Climb, list[int]]:
    """Give a climb the windows it wants until it is over; it, and the threads of each window."""
    chance, asked = random.Random(seed), []
    while not climb.over:
        threads = climb.wants
        asked.append(threads)
        made = window(threads, 0, 1000 * rate(threads) * math.exp(chance.gauss(0, noise)))
        climb = take(climb, Reading(made, waiting))
        assert len(asked) < 40 * MOST_WINDOWS, "it does not end"
    return climb, asked


def test_the_example():
    """Threads that wait half of their time on 2 CPUs: 4 fill the CPUs, and the report says how that was found."""
    climb, _ = run(begin(2, 8), waits(2, 0.5), waiting=0.5)
    assert climb.threads == 4
    assert climb.reason == "climbed 2→3→4; 6 gave as much as 4; 5 gave as much as 4"


def test_what_gets_worse():
    """A number that is worse than the one before is told with what was lost."""
    climb, _ = run(begin(2, 8), lambda threads: {2: 2.0, 3: 1.6}.get(threads, 0.1), waiting=0.5)
    assert (climb.threads, climb.reason) == (2, "3 gave 20 % less than 2")


def test_threads_that_do_not_wait():
    """Threads that neither sleep nor wait are not joined by others: one window tells."""
    climb, asked = run(begin(2, 8), waits(2, 0.0), waiting=0.02)
    assert (climb.threads, asked) == (2, [2])
    assert climb.reason == "they wait 2 % of their time, too little for more of them"


def test_the_most():
    """Threads that wait nearly all the time stop at the most that is allowed."""
    climb, asked = run(begin(2, 8), waits(2, 0.95), waiting=0.95)
    assert (climb.threads, max(asked)) == (8, 8)
    assert climb.reason == "climbed 2→3→4→6→8; 8 is the most that is tried here"
    assert begin(3, 3).over


def test_the_quota():
    """A window in which the quota throttled the threads ends the climb, or refuses the number that was tried."""
    slow = window(2, 0, 100.0, throttled_seconds=0.5)
    climb = take(begin(2, 8), Reading(slow, 0.5))
    assert (climb.over, climb.reason) == (True, "the CPU quota throttles 2 already")
    climb = take(begin(2, 8), Reading(window(2, 0, 100.0), 0.5))
    climb = take(climb, Reading(window(3, 0, 150.0, throttled_seconds=0.5), 0.5))
    assert (climb.over, climb.threads, climb.reason) == (True, 2, "the CPU quota throttled 3")


def test_near_the_memory_limit():
    """More threads are not tried where they would be expected to go beyond most of the limit."""
    climb = take(begin(2, 8), Reading(window(2, 0, 100.0), 0.5, memory=0.6))
    assert climb.over
    assert climb.reason == "3 would come near the memory limit, of which 2 use 60%"
    assert not take(begin(2, 8), Reading(window(2, 0, 100.0), 0.5, memory=0.5)).over


def test_a_drift_meets_both():
    """A machine that gets slower and slower all the time does not change what is found."""
    clock = iter(range(10_000))
    climb, _ = run(begin(4, 16), lambda threads: min(threads, 4) * math.exp(-0.01 * next(clock)))
    assert climb.threads == 4
    clock = iter(range(10_000))
    climb, _ = run(begin(4, 16), lambda threads: min(threads / 2, 4) * math.exp(-0.01 * next(clock)))
    assert climb.threads in (8, 9)


@given(st.integers(1, 64), st.floats(0, 0.97), st.floats(0, 0.03), st.integers(0, 1000))
def test_what_is_found_is_good(cpus: int, share: float, noise: float, seed: int):
    """With noise of up to 3 %, the number that is held gives nearly what the best one would."""
    rate = waits(cpus, share)
    climb, asked = run(begin(cpus, 4 * cpus), rate, noise, seed)
    assert all(1 <= threads <= 4 * cpus for threads in asked)
    assert list(climb.path) == sorted(set(climb.path))
    assert climb.path[-1] == climb.threads
    assert rate(climb.threads) >= 0.75 * max(rate(threads) for threads in range(1, 4 * cpus + 1))
    assert len(asked) <= MOST_WINDOWS * (2 + 2 * math.log(4 * cpus, 1.5))


@given(st.integers(1, 64), st.floats(0, 0.05), st.integers(0, 1000))
def test_threads_that_only_contend(cpus: int, noise: float, seed: int):
    """Where more threads give nothing, or less, the job stays near the number that it began with."""
    climb, _ = run(begin(cpus, 4 * cpus), lambda threads: cpus / (1 + 0.02 * max(0, threads - cpus)), noise, seed)
    assert climb.threads <= cpus + max(1, cpus // 8)


@given(st.floats(0.5, 3), st.integers(2, 6))
def test_gain(ratio: float, pairs: int):
    """The ratio of windows that take turns is told, whichever of a pair came first."""
    order = [threads for pair in range(pairs) for threads in ((2, 3) if pair % 2 == 0 else (3, 2))]
    windows = tuple(window(threads, 0, 1e6 * (ratio if threads == 3 else 1.0)) for threads in order)
    assert math.isclose(gain(windows).value, ratio, rel_tol=1e-4)


def test_ended_from_outside():
    """A climb that is ended keeps what it held, and says why."""
    climb, _ = run(begin(2, 2), waits(2, 0.5))
    ended = climbs.end(take(begin(2, 8), Reading(window(2, 0, 100.0), 0.5)), "the job ended")
    assert (climb.threads, ended.threads, ended.over, ended.reason) == (2, 2, True, "the job ended")
