"""One contestant's turn: its stage started, its items done, its figures taken, and all of it ended again."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from orchestrator.compare.arena import Arena, our_stage
from orchestrator.compare.backends import Backend
from orchestrator.compare.base import Assignment
from orchestrator.compare.figures import Sample
from orchestrator.compare.outcome import Outcome, read_outcome
from orchestrator.compare.usage import Peak, cpu_seconds, memory

LATENCIES = 200
LATENCY_SECONDS = 0.7


@dataclass(frozen=True, slots=True)
class Course:
    """What all contestants run: the assignment but for its name, the number of items, and whether they are folded."""

    assignment: Assignment
    items: int
    is_fold: bool

    def named(self, name: str) -> Assignment:
        """The assignment for one of them, with a scratch folder of its own."""
        scratch = tempfile.mkdtemp(prefix=f"{name}-", dir=self.assignment.scratch)
        return msgspec.structs.replace(self.assignment, name=name, scratch=scratch)


@contextmanager
def ready(backend: Backend, course: Course) -> Iterator[tuple[Arena, float]]:
    """Its stage, with every worker ready, and the seconds to the first result.

    Raises:
        StageFailed: it could not be started.
    """
    assignment = course.named(backend.name)
    try:
        with backend.stage(assignment) as arena:
            arena.ask("start")
            arena.ask("first")
            startup = time.perf_counter() - arena.began
            arena.ask("settle")
            yield arena, startup
            arena.ask("stop")
    finally:
        shutil.rmtree(assignment.scratch, ignore_errors=True)


def take_turn(backend: Backend, course: Course, size: int, latencies: bool = True) -> tuple[Sample, Outcome]:
    """Measure it once.

    Raises:
        StageFailed: it broke; nothing of it is left.
    """
    with ready(backend, course) as (arena, startup):
        peak = Peak(arena.pid)
        peak.look()
        before = cpu_seconds(arena.pid)
        with peak.watched():
            told = arena.ask("run", size=size).run
            after = cpu_seconds(arena.pid)
            left = memory(arena.pid).nbytes
        assert told is not None
        path = Path(course.assignment.scratch) / f"{backend.name}.results"
        arena.ask("save", path=str(path))
        if backend.name == "python":
            _translate(course, path)
        outcome = read_outcome(path, course.items, course.is_fold)
        alone = _latencies(arena, course, sorted(outcome.failed)) if latencies else []
    sample = Sample(
        startup=startup,
        seconds=told.seconds,
        cpu_seconds=after - before if told.cpu_seconds is None else told.cpu_seconds,
        peak=max(peak.nbytes, told.gone + left) if told.gone else peak.nbytes,
        memory=peak.kind,
        nbytes=told.nbytes,
        latencies=alone,
        note=told.note,
        worker=peak.worker,
    )
    return sample, outcome


def _latencies(arena: Arena, course: Course, failed: list[int]) -> list[float]:
    """The seconds of single items that do not fail: one that does not end would be waited for for ever."""
    # One that finds what was used last still in its cache would be no latency of an idle pool: a few first.
    arena.ask("ones", size=course.items, count=3, seconds=LATENCY_SECONDS, skip=failed)
    return arena.ask("ones", size=course.items, count=LATENCIES, seconds=LATENCY_SECONDS, skip=failed).latencies


def tune(backend: Backend, course: Course) -> tuple[int, float, list[int]]:
    """Run every size that is worth trying once: the quickest, its seconds, and the sizes.

    Raises:
        StageFailed: it broke.
    """
    with ready(backend, course) as (arena, _):
        sizes = arena.ask("sizes").sizes or [1]
        taken = {size: _seconds(arena, size) for size in sizes}
    best = min(sizes, key=lambda size: taken[size])
    return best, taken[best], sizes


def _seconds(arena: Arena, size: int) -> float:
    told = arena.ask("run", size=size).run
    assert told is not None
    return told.seconds


def _translate(course: Course, path: Path) -> None:
    """Read what another Python replied in a process that has the task's classes."""
    with Arena(our_stage(), {}) as arena:
        arena.say(course.named("python"))
        arena.ask("save", path=str(path))
