"""The runs on a sample, and what they say together: alone three times, then two at a time until something is found.

Guarantees: it ends when its budget is spent, but for a run that hangs. Assumes: each run starts from the same state.
"""

import random
import time
from collections.abc import Callable, Iterator
from math import ceil

from orchestrator.audit.findings import Finding
from orchestrator.audit.races.forks import Fork, Last
from orchestrator.audit.races.judged import Alone, ended, main_thread_only, not_deterministic, races
from orchestrator.audit.races.played import Ended, Part, Played, Probe, Steps, Tried
from orchestrator.audit.races.ready import SAMPLE
from orchestrator.audit.races.rules import found
from orchestrator.host.memory import available_memory, resident_bytes

type Play = Callable[[Part, Last], Played]

_HUNG = 8.0
# Of the budget: after how much of it there are no more items in a run, where there are a few.
_A_RUN = 1 / 24
_WALL = 4.0
_LEAST = 2
# Whether one item goes ahead alone, whether neighbours meet, and how often a thread stops at a place. Threads that stop
# everywhere keep in step, which shows lost updates; out of step, one changes what the other is in the middle of.
_ROUNDS = (
    (False, True, 1.0),
    (True, True, 1.0),
    (True, False, 1.0),
    (False, True, 0.5),
    (False, False, 0.5),
    (False, True, 0.5),
    (True, False, 0.5),
    (True, True, 0.5),
)


class Trial:
    """A task, run again and again.

    Args:
        play: runs the sample in this process, which is a copy for that alone.
        task: the task's reference.
        budget: seconds of CPU time that all runs may take; four times that by the clock.
    """

    def __init__(self, play: Play, task: str, budget: float) -> None:
        self._play = play
        self._task = task
        self._budget = budget
        self._began = time.monotonic()
        self._cpu, self._last, self._memory = 0.0, 0.0, 0

    def run(self) -> Tried:
        """Do the runs, and say what they found."""
        alone = self._alone()
        if isinstance(alone, Finding):
            return Tried([alone], Probe(seconds=self._seconds()))
        items, limit = len(alone.first.told), self._limit
        findings, number = [*main_thread_only(alone)], 0
        while not findings and number < len(_ROUNDS) and not self._is_over(number):
            ahead, neighbours, chance = _ROUNDS[number]
            steps = pairs(items, ahead, None if neighbours else number)
            [together] = self._runs([Part("meet", steps, limit, chance=chance, seed=number)], limit)
            findings = [*_told(alone, together)]
            number += 1
        cut = not findings and number < len(_ROUNDS)
        return Tried(findings, Probe(items, number, len(_ROUNDS), cut, self._seconds()))

    def _alone(self) -> Alone | Finding:
        """The runs one item after the other; a note, or more, where they do not say what is right."""
        numbers: Steps = [(number,) for number in range(SAMPLE)]
        [first] = self._runs([Part("main", numbers, self._budget, self._budget * _A_RUN)], _HUNG + 2 * self._budget)
        if isinstance(first, Ended):
            return found("FT311", f"the task was not tried on threads: alone {first.how}", (self._task, 0))
        steps = numbers[: len(first.told)]
        if len(steps) < 2:
            slow = f"an item takes {first.seconds:.1f} s (--probe-time {ceil(2 * first.seconds)} tries it)"
            why = "there are fewer than two items" if len(first.keys) < 2 else slow
            return found("FT311", f"the task was not tried on threads: {why}", (first.file, 0))
        # Importing counts, too; a run that takes so much longer hangs.
        self._limit = limit = _HUNG + 5 * self._seconds()
        again = [Part("main", steps, limit), Part("turns", backwards(len(steps)), limit)]
        second, turned = self._runs(again, limit)
        if isinstance(second, Ended):
            return found("FT310", f"it went well once; the second time {second.how}", (first.file, 0))
        differs = not_deterministic(first, second)
        if differs is not None:
            return differs
        return ended(first, turned) if isinstance(turned, Ended) else Alone(first, second, turned)

    def _runs(self, parts: list[Part], limit: float) -> Iterator[Played | Ended]:
        """Some runs: at the same time, unless they need so much memory that this would be a risk."""
        room = available_memory()
        beside = room is None or 2 * self._memory * len(parts) < room
        forks = [self._fork(part, limit) for part in parts[: None if beside else 1]]
        for number, part in enumerate(parts):
            fork = forks[number] if number < len(forks) else self._fork(part, limit)
            yield fork.result(Played)
            self._last = fork.cpu
            self._cpu += fork.cpu
            self._memory = max(self._memory, fork.memory - (resident_bytes() or 0))

    def _fork(self, part: Part, limit: float) -> Fork:
        return Fork(lambda last: self._play(part, last), limit)

    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _is_over(self, rounds: int) -> bool:
        """Whether another round would be too much; a few there are in any case."""
        spent = self._cpu + self._last > self._budget or self._seconds() > _WALL * self._budget
        return rounds >= _LEAST and spent


def backwards(items: int) -> Steps:
    """The items in reverse order, none where it was: of an odd number the middle one changes with its neighbour."""
    order = [*range(items)][::-1]
    if items % 2 and items > 1:
        middle = items // 2
        order[middle], order[middle + 1] = order[middle + 1], order[middle]
    return [(number,) for number in order]


def pairs(items: int, ahead: bool, seed: int | None) -> Steps:
    """Which items run side by side: neighbours, or shuffled with a seed; one may go ahead alone."""
    order = [*range(items)]
    if seed is not None:
        random.Random(seed).shuffle(order)
    rest = order[ahead:]
    return [*((one,) for one in order[:ahead]), *(tuple(rest[at : at + 2]) for at in range(0, len(rest), 2))]


def _told(alone: Alone, together: Played | Ended) -> Iterator[Finding]:
    if isinstance(together, Ended):
        yield ended(alone.first, together)
    elif len(together.told) == len(alone.first.told):
        yield from races(alone, together)
