"""A contestant as a comparison goes on: whether it still stands, how it was tuned, what was measured of it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from orchestrator.compare.arena import StageFailed
from orchestrator.compare.backends import Backend
from orchestrator.compare.figures import Sample, Terms, figures_of
from orchestrator.compare.results import Row
from orchestrator.compare.turn import Course, take_turn, tune
from orchestrator.report.words import count

_LATE = "Timeout: "
_REFUSES = re.compile(r"module (\S+) does not support loading in subinterpreters")


def why(failure: StageFailed, name: str) -> str:
    """A contestant's failure, in one line."""
    refuses = _REFUSES.search(failure.message)
    if refuses is not None:
        return f"the extension module {refuses[1]}, which the task imports, refuses to be loaded in a subinterpreter"
    text = " ".join(str(failure).split())
    return f"the task does not run on that Python: {text}" if name == "python" else text


@dataclass(slots=True)
class Contender:
    """A contestant, and what is known of it so far.

    Attributes:
        backend: how it is started.
        refused: why it is out; "" while it stands.
        size: its chunk size, or how many messages a worker takes at once.
        tuned: how that was found, in words.
        samples: what was measured, by round.
    """

    backend: Backend
    refused: str = ""
    size: int = 1
    tuned: str = ""
    samples: dict[int, Sample] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The backend's."""
        return self.backend.name

    def row(self, threads: dict[int, Sample], terms: Terms) -> Row:
        """What is told of it."""
        samples = list(self.samples.values())
        there = not self.backend.refused
        row = Row(self.name, self.backend.what, self.refused, there, tuned=self.tuned)
        if self.refused or not samples:
            return row if self.refused else msgspec.structs.replace(row, refused="not measured")
        notes = list(dict.fromkeys(sample.note for sample in samples if sample.note))
        figures = figures_of(samples, threads, list(self.samples), terms)
        return msgspec.structs.replace(row, figures=figures, notes=notes, samples=samples)


def try_first(standing: Sequence[Contender], course: Course, tell: Callable[[str], None]) -> float | None:
    """The seconds that the first contestant takes; the next one's where that one fails; None where all do."""
    for contender in standing:
        tell(f"trying {course.items} items on {contender.name}")
        try:
            sample, outcome = take_turn(contender.backend, course, 1, latencies=False)
        except StageFailed as failure:
            contender.refused = why(failure, contender.name)
            continue
        late = sum(text.startswith(_LATE) for text in outcome.failed.values())
        for other in standing if late else ():
            if other is not contender:
                other.refused = f"it has no time limit, and {count(late, 'item')} took longer than timeout.item"
        return sample.seconds
    return None


def tune_all(standing: Sequence[Contender], course: Course, tell: Callable[[str], None]) -> list[float]:
    """Tune those that can be; the seconds each took at its best."""
    seconds: list[float] = []
    for contender in standing:
        if contender.name == "threads":
            continue
        tell(f"tuning {contender.name} on {course.items} items")
        try:
            contender.size, taken, sizes = tune(contender.backend, course)
        except StageFailed as failure:
            contender.refused = why(failure, contender.name)
            continue
        contender.tuned = _tuned(contender, sizes, course.items)
        seconds.append(taken)
    return seconds


def _tuned(contender: Contender, sizes: Sequence[int], items: int) -> str:
    what = "messages taken at once:" if contender.name == "redis" else "chunk size"
    if len(sizes) == 1:
        return f"{what} {contender.size}"
    tried = ", ".join(map(str, sizes))
    return f"{what} {contender.size}, the quickest of {tried} on {items:,} items"
