"""The climb of a job that waits: threads are added while the job runs, and kept while that pays.

Guarantees: the pool has the number of threads that the climb holds whenever it is over, unless somebody else changed it
meanwhile: then it is left as it is. Assumes: the worker's main thread calls it, between commits; the ramp and the climb
never have the pool at the same time (`Turns` sees to that).
"""

import math
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.engine.ramping import WARM_CHUNKS, Ramp, RampedPool
from orchestrator.engine.sampler import Sampler, clock
from orchestrator.host.cgroups import CpuLimits
from orchestrator.host.cpus import MOST_A_CPU, ThreadDecision
from orchestrator.measure import climb as climbs
from orchestrator.measure.climb import Climb, Reading
from orchestrator.measure.ramp import WINDOW_CHUNKS

_SHORTEST = 0.25
_LOOK = 0.1


class Slope(Struct, frozen=True):
    """What a climb stands on.

    Attributes:
        pool: the threads.
        limits: where throttling is read.
        runnable: seconds that all threads of the process ran or were ready to; None where that tells nothing.
        memory: the share of the memory limit in use.
    """

    pool: RampedPool
    limits: CpuLimits
    runnable: Callable[[], float | None]
    memory: Callable[[], float]
    clock: Callable[[], float] = clock


class Climber:
    """One pool's climb: it waits until the threads are warm, takes window after window, and is over."""

    def __init__(self, slope: Slope, decision: ThreadDecision, most: int) -> None:
        """Begin to wait; with a decision that does not climb it is over before it began."""
        self._slope = slope
        self._most = most
        self._decision = decision
        self._over = not decision.climbs
        self._climb: Climb | None = None
        self._sampler: Sampler | None = None
        self._asked = 0
        self._chunk = 0.0
        self._runnable: tuple[float, float] | None = None

    @property
    def over(self) -> bool:
        """Whether nothing is tried any more."""
        return self._over

    @property
    def decision(self) -> ThreadDecision:
        """How many threads the job has, and why: what was decided before it ran, and what the climb found."""
        climb = self._climb
        if climb is None or not climb.reason:
            return self._decision
        return replace(self._decision, threads=climb.threads, reason=f"{self._decision.reason}; {climb.reason}")

    def restart(self, decision: ThreadDecision) -> None:
        """Begin again, from another number of threads that the pool has been given."""
        self._decision, self._over = decision, not decision.climbs
        self._climb = self._sampler = None

    def pause(self) -> float:
        """In how many seconds to call `step` again; infinite where it is over."""
        if self._over:
            return math.inf
        return _LOOK if self._sampler is None else self._sampler.pause(self._slope.clock())

    def step(self) -> None:
        """Look, and do what is due."""
        if self._over:
            return
        pool, climb, sampler = self._slope.pool, self._climb, self._sampler
        if pool.ending:
            self._give_up(
                f"the job ended before {climb.more} could be judged" if climb else "it ended too soon to try more"
            )
        elif climb is None or sampler is None:
            self._begin()
        elif pool.allowed != self._asked:
            self._give_up(f"memory took threads away before {climb.more} could be judged")
        else:
            self._take(climb, sampler, self._slope.clock())

    def _begin(self) -> None:
        """Begin, if every thread is warm."""
        threads, now = self._decision.threads, self._slope.clock()
        marks = self._slope.pool.marks(threads)
        if marks is None or min(mark.chunks for mark in marks) < WARM_CHUNKS:
            return
        self._chunk = max(mark.took for mark in marks)
        self._climb = climbs.begin(threads, min(MOST_A_CPU * threads, self._most))
        self._sampler = Sampler(self._slope.pool, max(_SHORTEST, WINDOW_CHUNKS * self._chunk), self._slope.limits)
        self._next(self._climb, self._sampler, now)

    def _take(self, climb: Climb, sampler: Sampler, now: float) -> None:
        window = sampler.step(now)
        if window is None:
            if sampler.stuck(now, self._chunk):
                self._settle(climbs.end(climb, "a thread did not come to the end of its chunk in time"))
            return
        climb = climbs.take(climb, Reading(window, self._waiting(window.threads, now), self._slope.memory()))
        if climb.over:
            self._settle(climb)
        else:
            self._next(climb, sampler, now)

    def _next(self, climb: Climb, sampler: Sampler, now: float) -> None:
        runnable = self._slope.runnable()
        self._runnable = None if runnable is None else (now, runnable)
        self._climb, self._asked = climb, climb.wants
        sampler.begin(climb.wants, 0, now)
        self._over = climb.over

    def _settle(self, climb: Climb) -> None:
        """Let the job have the threads that are held."""
        self._climb, self._over = climb, True
        self._slope.pool.allow(climb.threads)

    def _give_up(self, why: str) -> None:
        """End without touching the pool, which is somebody else's now."""
        self._over = True
        if self._climb is not None:
            self._climb = climbs.end(self._climb, why)
        else:
            self._decision = replace(self._decision, reason=f"{self._decision.reason}; {why}")

    def _waiting(self, threads: int, now: float) -> float | None:
        """The share of their time, since the window was asked for, in which the threads could not run."""
        runnable = self._slope.runnable()
        if self._runnable is None or runnable is None:
            return None
        since, before = self._runnable
        return max(0.0, 1 - (runnable - before) / (threads * (now - since)))


class Turns:
    """Who may change the number of threads: the ramp first, then the climb."""

    def __init__(self, ramp: Ramp, climber: Climber) -> None:
        self._ramp = ramp
        self._climber = climber

    def pause(self) -> float:
        """In how many seconds to call `step` again."""
        return min(self._ramp.pause(), math.inf if not self._ramp.over else self._climber.pause())

    def step(self) -> None:
        """Let the one whose turn it is look."""
        self._ramp.step()
        if self._ramp.put_off and not self._climber.over:
            # A job that is too short for a ramp now is not going to be longer.
            self._ramp.cancel()
        if self._ramp.over:
            self._climber.step()
