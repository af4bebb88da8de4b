"""What `run` gives back: results in input order, what failed, what was not done, and the report."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec

from orchestrator.measure.node import NodeReport
from orchestrator.report.lines import Row
from orchestrator.report.text import node_text
from orchestrator.report.words import count, number

_SHOWN = 5
_MOST_OF_AN_ITEM = 60


class Report(NodeReport, frozen=True):
    """How the work went: a node's report, which prints as `ftorch submit` prints it."""

    @classmethod
    def of(cls, found: NodeReport) -> Self:
        """The same, printable."""
        return cls(**msgspec.structs.asdict(found))

    def __str__(self) -> str:
        return node_text(_title(self), self, [("items", _items(self))]).rstrip()


@dataclass(frozen=True, slots=True)
class Failed:
    """An item that failed for good.

    Attributes:
        index: its place in the input, from 0.
        item: the item.
        error: what its last try raised.
        attempts: how often it was tried.
        traceback: the error as Python prints it, from the task on.
    """

    index: int
    item: Any
    error: BaseException
    attempts: int
    traceback: str = field(repr=False)

    def __str__(self) -> str:
        tried = f" (tried {self.attempts} times)" if self.attempts > 1 else ""
        return f"item {self.index}, {_short(self.item)}: {type(self.error).__name__}: {self.error}{tried}"


@dataclass(frozen=True, slots=True, repr=False)
class Ran[R]:
    """What became of the items.

    Attributes:
        results: one for each item, in input order; None where an item failed or was not done. Empty for a fold.
        result: a fold's result; None without one, or where its last step was not come to.
        failures: the items that failed, in input order.
        report: how it went; `report.state` is "done", or "interrupted" or "failed" where it ended early.
    """

    results: list[R]
    result: Any
    failures: list[Failed]
    report: Report
    _left: list[tuple[int, Sequence[Any]]] = field(default_factory=list)

    @property
    def undone(self) -> dict[int, Any]:
        """The items that were not done, by their place in the input; of a generator, those that were taken from it."""
        return {lo + at: item for lo, items in self._left for at, item in enumerate(items)}

    def __str__(self) -> str:
        return node_text(_title(self.report), self.report, self._rows()).rstrip()

    def __repr__(self) -> str:
        return f"<Ran: {self.report.state}, {_items(self.report)}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a notebook shows of it."""
        printer.text(repr(self) if cycle else str(self))

    def _rows(self) -> Iterator[Row]:
        yield "items", _items(self.report)
        for failed in self.failures[:_SHOWN]:
            yield "failed", str(failed)
        if len(self.failures) > _SHOWN:
            yield "", f"and {number(len(self.failures) - _SHOWN)} more: see failures"
        left = sum(len(items) for _, items in self._left)
        if left:
            yield "undone", f"{count(left, 'item')}: see undone"


def _title(report: NodeReport) -> str:
    return report.state if report.state == "done" else f"{report.state} ({report.reason})"


def _items(report: NodeReport) -> str:
    if not report.items and report.state == "done":
        return "none: the input is empty"
    return number(report.items) + (f", {number(report.failed)} failed" if report.failed else "")


def _short(item: Any) -> str:
    text = repr(item)
    return text if len(text) <= _MOST_OF_AN_ITEM else f"{text[: _MOST_OF_AN_ITEM - 1]}…"
