"""A comparison from the job to the figures: items chosen, peers tuned, rounds run in turns, results checked.

Guarantees: contestants take turns within a round, one at a time on the machine; a contestant that fails, or whose
results differ, has no figures, and the others go on; after Ctrl-C all that was started is ended, and what was measured
is told.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orchestrator.compare.arena import Arena, StageFailed, our_stage
from orchestrator.compare.backends import find_backends
from orchestrator.compare.base import Assignment
from orchestrator.compare.choosing import Chooser, Found, binding_of, enough_items, first_items, spread_items
from orchestrator.compare.contender import Contender, why
from orchestrator.compare.equal import differing
from orchestrator.compare.figures import Terms
from orchestrator.compare.nearby import NOTE, is_far
from orchestrator.compare.outcome import Outcome
from orchestrator.compare.results import Comparison
from orchestrator.compare.sample import Chosen, prepared
from orchestrator.compare.turn import Course, take_turn
from orchestrator.engine.session import decide_threads_for
from orchestrator.host.cpus import cpu_facts
from orchestrator.host.facts import describe_host
from orchestrator.report.words import count
from orchestrator.spec.model import JobSpec


class Teller(Protocol):
    """Who is told how far a comparison is."""

    def __call__(self, doing: str) -> None:
        """Something begins."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be compared.

    Attributes:
        only: the contestants.
        python: the other Python, for the contestant of that name.
        limit, sample: so many items, the first or spread ones; None for as many as a few seconds take.
        rounds: how many.
        price: of a CPU-hour.
        scratch: where the temporary folder is made; None for the system's own place.
    """

    only: Sequence[str]
    python: str | None = None
    limit: int | None = None
    sample: int | None = None
    rounds: int = 3
    price: float | None = None
    scratch: Path | None = None


class Tournament:
    """A comparison that runs; `run` gives what it found."""

    def __init__(self, spec: JobSpec, base: Path, asked: Asked, tell: Teller) -> None:
        self._base, self._asked, self._tell = base, asked, tell
        self._workers = decide_threads_for(spec).threads
        self._spec = spec
        found = find_backends(asked.only, self._workers, asked.python)
        self._contenders = [Contender(backend, backend.refused) for backend in found]
        self._failed = 0

    @property
    def _standing(self) -> list[Contender]:
        return [contender for contender in self._contenders if not contender.refused]

    def run(self) -> Comparison:
        """Run it.

        Raises:
            JobError: the task or the input is wrong.
            KeyboardInterrupt: before there was anything to tell.
        """
        with tempfile.TemporaryDirectory(prefix="ftorch-compare-", dir=self._asked.scratch) as made:
            folder = Path(made)
            self._tell("importing the task")
            batch, is_fold = self._facts(folder)
            spec = prepared(self._spec, is_fold, self._workers)
            chosen, course, words = self._choose(Chooser(spec, self._base, folder, batch, self._tell))
            state = "done"
            try:
                self._rounds(course, chosen)
            except KeyboardInterrupt:
                if not any(contender.samples for contender in self._contenders):
                    raise
                state = "interrupted"
            return self._told(chosen, words, state)

    def _facts(self, folder: Path) -> tuple[int | None, bool]:
        """What the task is: imported by a process of its own, so that a wrong one is told before anything runs."""
        binding = binding_of(self._spec, self._base, "plain")
        nothing = Assignment("python", "", binding, None, "", 1, str(folder), "", "")
        with Arena(our_stage(), {}) as arena:
            arena.say(nothing)
            facts = arena.ask("facts")
        return facts.batch, facts.is_fold

    def _choose(self, chooser: Chooser) -> Found:
        asked = self._asked

        def standing() -> list[Contender]:
            return self._standing

        if asked.limit is not None:
            return first_items(chooser, asked.limit, standing, self._tell)
        if asked.sample is not None:
            return spread_items(chooser, asked.sample, standing, self._tell)
        return enough_items(chooser, standing, self._tell)

    def _rounds(self, course: Course, chosen: Chosen) -> None:
        for number in range(self._asked.rounds):
            outcomes: dict[str, Outcome] = {}
            try:
                for contender in self._standing:
                    self._tell(f"round {number + 1} of {self._asked.rounds}: {contender.name}, {course.items:,} items")
                    self._turn(contender, course, number, outcomes)
            finally:
                # After Ctrl-C, too: no figure is told of results that nobody looked at.
                self._check(outcomes, chosen)

    def _turn(self, contender: Contender, course: Course, number: int, outcomes: dict[str, Outcome]) -> None:
        try:
            sample, outcomes[contender.name] = take_turn(contender.backend, course, contender.size)
        except StageFailed as failure:
            contender.refused = why(failure, contender.name)
        else:
            contender.samples[number] = sample

    def _check(self, outcomes: dict[str, Outcome], chosen: Chosen) -> None:
        wrong = differing(outcomes, chosen.keys)
        for contender in self._standing:
            contender.refused = wrong.get(contender.name, "")
        right = [outcome for name, outcome in outcomes.items() if name not in wrong]
        self._failed = max((len(outcome.failed) for outcome in right), default=self._failed)

    def _told(self, chosen: Chosen, words: str, state: str) -> Comparison:
        asked, cpus = self._asked, cpu_facts().available
        terms = Terms(len(chosen.keys), cpus, asked.price)
        threads = next((one.samples for one in self._standing if one.name == "threads"), {})
        notes = [NOTE] if is_far(self._spec) else []
        if chosen.unreadable:
            notes.append(f"{chosen.unreadable:,} items that cannot be read are left out: they fail everywhere")
        return Comparison(
            job=self._spec.name,
            task=self._spec.task,
            state=state,
            items=terms.items,
            chosen=words,
            failed=self._failed,
            workers=self._workers,
            cpus=cpus,
            rounds=asked.rounds,
            price=asked.price,
            rows=[contender.row(threads, terms) for contender in self._contenders],
            notes=notes,
            created=time.time(),
            machine=_machine(),
        )


def _machine() -> str:
    """This machine in a few words."""
    host = describe_host()
    return f"{host.hostname}, {host.cpu_model or 'CPU of unknown model'}, {count(host.affinity, 'CPU')}"
