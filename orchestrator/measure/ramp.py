"""Which thread counts to measure, in which order, and what that costs the job; pure.

A window of n threads out of N gives up the share (N - n)/N of the node meanwhile, and so does the time in which the
surplus threads finish their chunks. A ramp is planned so that all of that is at most 5 % of the job.
"""

from collections.abc import Sequence

from msgspec import Struct

MOST_COST = 0.05
"""The share of a job that its ramp may cost."""

SETTLING_CHUNKS = 1.5
"""How many chunks it takes on average until the surplus threads are parked and each other one has left a mark."""

WINDOW_CHUNKS = 4
"""A window is to hold so many chunks of each thread."""

_SHORTEST = 0.1
_LONGEST = 0.25
_REPEATS = (6, 4)
_TAIL = 1.5


class RampPlan(Struct, frozen=True):
    """A ramp: the number of threads of each window, seconds of a window, how often the counts are gone through.

    Attributes:
        seconds: of a window.
        settling: seconds between two windows.
        budget: how many seconds of the whole node it may cost.
    """

    order: tuple[int, ...]
    repeats: int
    seconds: float
    settling: float
    budget: float

    @property
    def duration(self) -> float:
        """About how many seconds it takes."""
        return len(self.order) * (self.seconds + self.settling)


def thread_counts(threads: int) -> tuple[int, ...]:
    """1, 2, 4, … and `threads` itself; 3 of 4 threads as well, since a fit needs four counts."""
    counts = {threads, *(1 << power for power in range(threads.bit_length()) if 1 << power <= threads)}
    return tuple(sorted(counts | ({3} if threads == 4 else set())))


def sweep_counts(threads: int) -> tuple[int, ...]:
    """What `thread_counts` gives, and half as many threads again and twice as many: what lies beyond the CPUs."""
    return tuple(sorted({*thread_counts(threads), threads + (threads + 1) // 2, 2 * threads}))


def up_and_down(counts: Sequence[int], repeats: int) -> tuple[int, ...]:
    """From the most threads down to the fewest and up again, in turns.

    So a steady drift, as of a warming cache or a throttling CPU, meets all counts alike when `repeats` is even, and
    where two repeats meet nobody has to be parked.
    """
    down = sorted(counts, reverse=True)
    return tuple(count for repeat in range(repeats) for count in (down if repeat % 2 == 0 else reversed(down)))


def shuffled(counts: Sequence[int], repeats: int, seed: int) -> tuple[int, ...]:
    """Each repeat has every count once, in an order of its own that the seed decides."""
    import random

    chance = random.Random(seed)
    return tuple(count for _ in range(repeats) for count in chance.sample(list(counts), len(counts)))


def lost_share(counts: Sequence[int], threads: int) -> float:
    """How many seconds of the whole node one second a count costs."""
    return sum(max(0, threads - count) / threads for count in counts)


def plan_ramp(threads: int, elapsed: float, left: float, chunk: float) -> RampPlan | str:
    """The ramp of a job, or why it can have none.

    Args:
        threads: the most threads.
        elapsed: seconds that the job has run.
        left: seconds that it has still to run, by the rate so far.
        chunk: seconds of the longest of the threads' last chunks.
    """
    counts = thread_counts(threads)
    shortest = max(_SHORTEST, WINDOW_CHUNKS * chunk)
    settling = SETTLING_CHUNKS * chunk
    budget, loss = MOST_COST * (elapsed + left), lost_share(counts, threads)
    for repeats in _REPEATS:
        seconds = min(budget / (repeats * loss) - settling, max(shortest, _LONGEST))
        order = up_and_down(counts, repeats)
        plan = RampPlan(order, repeats, seconds, settling, budget)
        if seconds >= shortest and plan.duration * _TAIL <= left:
            return plan
    return _why_not(counts, loss, (shortest + settling) * _REPEATS[-1], (elapsed, left))


def _why_not(counts: Sequence[int], loss: float, each: float, job: tuple[float, float]) -> str:
    """Why a job has no ramp whose windows would take so many seconds for each count."""
    elapsed, left = job
    needed = each * loss / MOST_COST
    if elapsed + left < needed:
        return (
            f"too short to measure: it takes about {_seconds(elapsed + left)}, and windows of {_and(counts)} threads "
            f"would cost more than {MOST_COST:.0%} of less than {_seconds(needed)}"
        )
    least = _seconds(each * len(counts) * _TAIL)
    return f"too short to measure: when that could be judged, about {_seconds(left)} were left, and {least} are needed"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _and(counts: Sequence[int]) -> str:
    return f"{', '.join(map(str, counts[:-1]))} and {counts[-1]}" if len(counts) > 1 else str(counts[0])
