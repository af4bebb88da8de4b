"""What a thread hands over when a chunk is settled."""

from typing import Any

from msgspec import Struct, field

from orchestrator.run.records import FailedItem, Failure

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

    @property
    def number(self) -> int:
        """The number of the item that it was about, when it was a retry; else 0."""
        return self.retried[0] if self.retried else 0

    @property
    def made(self) -> bool:
        """Whether a retry made good what it was about: its item, or that the chunk can be read; then items of it may
        have failed all the same.
        """
        return not self.failures or (self.number == WHOLE_CHUNK != self.failures[0].detail.index)

    def failed(self, position: int) -> list[FailedItem]:
        """Its failures as the ledger has them, if its bytes begin at that position."""
        return [FailedItem(self.lo, self.hi, item.detail.index, position + item.at) for item in self.failures]
