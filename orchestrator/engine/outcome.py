"""What a thread hands over when a chunk is settled."""

from typing import Any

from msgspec import Struct, field

from orchestrator.run.records import Failure

WHOLE_CHUNK = -(2**31)
"""The number of the failed "item" that stands for a whole chunk which could not be read."""


class ItemFailure(Struct, frozen=True):
    """An item that failed for good: what to tell, and where its record would stand in the outcome's bytes."""

    detail: Failure
    at: int


class Outcome(Struct, frozen=True):
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
