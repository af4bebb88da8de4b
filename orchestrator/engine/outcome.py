"""What a thread hands over when a chunk is settled."""

from dataclasses import dataclass, field
from typing import Any

from orchestrator.run.records import Failure

WHOLE_CHUNK = -(2**31)
"""The number of the failed "item" that stands for a whole chunk which could not be read."""


@dataclass(frozen=True, slots=True)
class ItemFailure:
    """An item that failed for good: what to tell, and where its record would stand in the outcome's bytes."""

    detail: Failure
    at: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A chunk whose every item is settled.

    Attributes:
        lo, hi: the chunk.
        retried: the numbers of the items it was about, when it was a retry of failed items; else None.
        token: the encoded results (bytes), or a fold's accumulator.
        items: how many items, failed ones included.
        nbytes: how many bytes of input.
        failures: the items that failed for good.
    """

    lo: int
    hi: int
    retried: tuple[int, ...] | None
    token: Any
    items: int
    nbytes: int
    failures: list[ItemFailure] = field(default_factory=list)
