"""The jobs that are troubled: their output as a file, a tree or one value, and what it must be in the end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.command import Place

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
