"""What a fault test counts, and the oracle it is held to."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass
class Count:
    """Rounds of a fault, and what became of the items."""

    NUMBERS: ClassVar = ("rounds", "faults", "items", "lost", "duplicated")

    name: str
    rounds: int = 0
    faults: int = 0
    items: int = 0
    lost: int = 0
    duplicated: int = 0
    notes: list[str] = field(default_factory=list)

    def check(self, found: Iterable[Any], expected: Iterable[Any], faults: int = 1, items: int = 0) -> None:
        """Count a round, and hold its results to the oracle's, each as often as there.

        Items are as many as results, unless told.
        """
        got, wanted = Counter(found), Counter(expected)
        lost, extra = wanted - got, got - wanted
        self.rounds += 1
        self.faults += faults
        self.items += items or wanted.total()
        self.lost += lost.total()
        self.duplicated += extra.total()
        assert not lost, f"{lost.total()} results are lost: {list(lost)[:5]}"
        assert not extra, f"{extra.total()} results are there twice, or are wrong: {list(extra)[:5]}"

    def __str__(self) -> str:
        numbers = ", ".join(f"{getattr(self, name):,} {name}" for name in self.NUMBERS)
        return "; ".join([f"{self.name}: {numbers}", *self.notes])
