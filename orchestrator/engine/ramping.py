"""The ramp of a run: in its first seconds, short windows of fewer threads on its real items.

Guarantees: what it costs is at most what `plan_ramp` allows, by the job's length as it is estimated; the number of
threads that the job is to have is given back when it ends, however it ends, unless somebody else changed it meanwhile.
Assumes: the worker's main thread calls it, between commits.
"""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from orchestrator.engine.board import UNKNOWN, Picture
from orchestrator.engine.sampler import Crew, Sampler, clock
from orchestrator.host.cgroups import CpuLimits
from orchestrator.host.cpus import CpuFacts, cpu_facts
from orchestrator.measure.ramp import RampPlan, lost_share, plan_ramp
from orchestrator.measure.scaling import Scaling, scaling_of
from orchestrator.measure.windows import Mark, Window, window_of
from orchestrator.spec.model import JobSpec

WARM_CHUNKS = 4
"""Chunks grow for so long until they are of their proper size."""

_FIRST_LOOK = 0.05
_LOOKS = 10
_RATE_SECONDS = 0.1


class Ground(Struct, frozen=True):
    """What a ramp stands on: the pool, the threads that the job has, its board's picture, the CPU limits, a clock."""

    pool: RampedPool
    threads: int
    picture: Callable[[], Picture]
    limits: CpuLimits
    clock: Callable[[], float] = clock


class RampedPool(Crew, Protocol):
    """What a ramp needs of a pool."""

    @property
    def allowed(self) -> int:
        """How many threads may work."""
        ...

    @property
    def ending(self) -> bool:
        """Whether the work is over, or is to be."""
        ...


class Ramp:
    """One pool's ramp: it waits until the job is warm and long enough, takes its windows, and is over."""

    def __init__(self, ground: Ground, refused: str = "") -> None:
        """Begin to wait; one that is refused is over before it began."""
        self._ground = ground
        self._why = refused or "too short to measure: it ended before its chunks had their proper size"
        self._over = bool(refused)
        self._refusing = False
        self._started = ground.clock()
        self._warm: tuple[float, list[Mark]] | None = None
        self._chunk = 0.0
        self._taking: _Taking | None = None

    @property
    def over(self) -> bool:
        """Whether the threads are the job's own again."""
        return self._over

    @property
    def put_off(self) -> bool:
        """Whether it has looked at the job, and did not begin."""
        return self._refusing and self._taking is None

    def cancel(self) -> None:
        """Do not begin any more."""
        self._over = True

    def pause(self) -> float:
        """In how many seconds to call `step` again; infinite where it is over."""
        if self._over:
            return math.inf
        now = self._ground.clock()
        if self._taking is not None:
            return self._taking.sampler.pause(now)
        return max(_FIRST_LOOK, (now - self._started) / _LOOKS)

    def step(self) -> None:
        """Look, and do what is due."""
        if self._over:
            return
        if self._ground.pool.ending:
            self._over = True
        elif self._taking is not None:
            self._take(self._taking, self._ground.clock())
        else:
            self._consider(self._ground.clock())

    def result(self) -> tuple[Scaling | None, str]:
        """The curve, or None and why there is none."""
        taking = self._taking
        if taking is None:
            return None, self._why
        if taking.void:
            return None, taking.void
        if not taking.whole:
            return None, taking.cut_short or "the run ended while it was measured"
        notes = [taking.cut_short] if taking.cut_short else []
        return scaling_of(taking.windows, taking.facts.available, notes, taking.lost), ""

    def _consider(self, now: float) -> None:
        """Begin, if every thread is warm and the job is long enough."""
        ground = self._ground
        marks = ground.pool.marks(ground.threads)
        if marks is None or min(mark.chunks for mark in marks) < WARM_CHUNKS:
            return
        if self._warm is None:
            self._warm = (now, marks)
            return
        if now - self._warm[0] < _RATE_SECONDS:
            return
        left = seconds_left(self._warm[1], marks, ground.picture())
        if left is None:
            return
        self._chunk = max(mark.took for mark in marks)
        plan = plan_ramp(ground.threads, now - self._started, left, self._chunk)
        if isinstance(plan, str):
            self._why, self._refusing = plan, True
            return
        self._taking = _Taking(plan, Sampler(ground.pool, plan.seconds, ground.limits), cpu_facts(), now)
        self._taking.next(now)

    def _take(self, taking: _Taking, now: float) -> None:
        ground = self._ground
        if ground.pool.allowed != taking.asked:
            taking.void = "void: the number of threads was changed while it was measured"
            self._over = True
            return
        taking.count_loss(ground.threads, now)
        window = taking.sampler.step(now)
        if window is not None:
            taking.windows.append(window)
        if taking.lost > taking.plan.budget:
            taking.cut_short = "cut short: it would have cost more than 5 % of the job"
        elif taking.sampler.stuck(now, self._chunk):
            taking.cut_short = "cut short: a thread did not come to the end of its chunk in time"
        elif window is None or taking.next(now):
            return
        self._end(taking)

    def _end(self, taking: _Taking) -> None:
        """Give the job its threads back."""
        self._over = True
        self._ground.pool.allow(self._ground.threads)
        before, after = taking.facts.quota, self._ground.limits.read()
        if before != after:
            told = f"{before or 'no quota'} before, {after or 'no quota'} after"
            taking.void = f"void: the CPU quota changed while it was measured: {told}"


class _Taking:
    """A ramp that has begun: its plan, how far it is, and what it has cost."""

    def __init__(self, plan: RampPlan, sampler: Sampler, facts: CpuFacts, now: float) -> None:
        self.plan = plan
        self.sampler = sampler
        self.facts = facts
        self.windows: list[Window] = []
        self.asked = 0
        self.lost = 0.0
        self.void = ""
        self.cut_short = ""
        self._last = now
        self._at = 0

    @property
    def whole(self) -> bool:
        """Whether every count has had its windows twice, the least that an interval needs."""
        return len(self.windows) * self.plan.repeats >= 2 * len(self.plan.order)

    def next(self, now: float) -> bool:
        """Begin the next window; says whether there is one."""
        order = self.plan.order
        if self._at == len(order):
            return False
        self.asked = order[self._at]
        self.sampler.begin(self.asked, self._at * self.plan.repeats // len(order), now)
        self._at += 1
        return True

    def count_loss(self, threads: int, now: float) -> None:
        """Count what the node could have done with all its threads since the last time."""
        self.lost += (now - self._last) * lost_share([self.asked], threads)
        self._last = now


def why_no_ramp(spec: JobSpec, threads: int) -> str:
    """Why a job has no ramp from the beginning; "" where it may have one."""
    if spec.measure.scaling == "off":
        return "measure.scaling is off"
    return "" if threads > 1 else "one thread: there is nothing to compare it with"


def seconds_left(before: Sequence[Mark], now: Sequence[Mark], picture: Picture) -> float | None:
    """How long the rest takes at the threads' rates between two marks: the shorter of what items and bytes say.

    Returns:
        None where neither is known, or a thread has done nothing between.
    """
    window = window_of(0, before, now)
    if window is None:
        return None
    pairs = (
        (picture.total_items, picture.items, window.items_per_second),
        (picture.total_bytes, picture.nbytes, window.bytes_per_second),
    )
    told = [(total - done) / rate for total, done, rate in pairs if total != UNKNOWN and rate > 0]
    return max(0.0, min(told)) if told else None
