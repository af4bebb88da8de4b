"""The jobs that are troubled: their output as a file, a tree or one value, and what it must be in the end."""

import math
import random
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.command import Place
from tests.faults.counting import Count
from tests.faults.sittings import Aim, Trouble

ITEMS = 3000
WORK = """
def work(n):
    for i in range(6000): n += i & 1
    return n - 3000
"""


@dataclass(frozen=True)
class Kind:
    """A kind of output: the task, the job's `output`, what is found in the end, and what should be."""

    task: str
    output: dict[str, Any]
    found: Callable[[Place], list[Any]]
    expected: Callable[[range], list[Any]]

    def write(self, place: Place, items: int = ITEMS, **fields: Any) -> Place:
        """Write the job."""
        return place.job(WORK + self.task, input={"range": {"stop": items}}, output=self.output, **fields)


def _rows(place: Place) -> list[Any]:
    return [(record["key"], record["result"]) for record in place.records()]


def _files(place: Place) -> list[Any]:
    return [(path.name, path.read_text()) for path in (place / "out").rglob("*") if path.is_file()]


_FOLD = """
from orchestrator import Fold, task
def add(a, n): return {"count": a["count"] + 1, "sum": a["sum"] + n}
def merge(a, b): return {"count": a["count"] + b["count"], "sum": a["sum"] + b["sum"]}
@task(fold=Fold(zero=lambda: {"count": 0, "sum": 0}, add=add, merge=merge))
def f(n): return work(n)
"""

KINDS = {
    "jsonl": Kind(
        "def f(n): return work(n) * 3\n",
        {"path": "out.jsonl"},
        _rows,
        lambda items: [(n, n * 3) for n in items],
    ),
    "tree": Kind(
        "def f(n): return f'{work(n) * 7}'\n",
        {"path": "out", "format": "tree", "name": "{key}.txt"},
        _files,
        lambda items: [(f"{n}.txt", f"{n * 7}") for n in items],
    ),
    "fold": Kind(
        _FOLD,
        {"path": "out.json"},
        lambda place: [(place / "out.json").read_text().strip()],
        lambda items: [f'{{"count":{len(items)},"sum":{sum(items)}}}'],
    ),
}


@dataclass(frozen=True)
class Strikes:
    """Runs that are hit at random moments, each held to the oracle at its end.

    Attributes:
        rounds: how often each fault is made.
        lengths: how many seconds a run of each kind takes when it is left alone: the moments lie within.
    """

    rounds: int
    lengths: dict[str, float]
    trouble: Trouble
    count: Count

    def make(self, kind: str, victim: str, number: signal.Signals, share: float, **fields: Any) -> None:
        """Make a share of the rounds: runs of a kind that are hit twice at most and at least once."""
        aim = Aim(victim, number, self.lengths[kind])
        chance = random.Random(f"{kind} {victim} {number} {fields}")
        wanted, tried = max(1, math.ceil(self.rounds * share)), 0
        while self.count.rounds < wanted:
            tried += 1
            assert tried <= 10 * wanted, "no signal meets a run that goes on"
            place = Trouble(self.trouble.path / str(tried))
            place.path.mkdir()
            KINDS[kind].write(place, **fields)
            landed = place.survive(aim, 2, chance)
            if landed:
                self.count.check(KINDS[kind].found(place), KINDS[kind].expected(range(ITEMS)), landed, ITEMS)
            shutil.rmtree(place.path)
