"""What the ledger's files hold: chunks that are done, items that failed, items that a retry filled in.

A chunk is an interval of the axis; an item is addressed by its chunk and its number within it, which is the same
each time the chunk is read. Items that could not even be made (a line that is not UTF-8) have the numbers -1, -2, ….
"""

from msgspec import Struct

from orchestrator.spec.keys import Key

FORMAT = 1
"""The version of a run folder's format, and of a commit that an older ftorch reads as it is meant."""
FILLED_FORMAT = 2
"""The version of a commit in which what was filled in has failed items, or more items, of its own. A reader that knows
nothing of these would pass over them, count failed items as done and publish without their place."""


class Blob(Struct, frozen=True, array_like=True, gc=False):
    """A stretch of a part: `length` bytes at `offset`, with their CRC-32."""

    part: str
    offset: int
    length: int
    crc: int


class FailedItem(Struct, frozen=True, array_like=True):
    """An item that failed for good: its address, and where its record would stand in the range's bytes."""

    lo: int
    hi: int
    index: int
    at: int


class Range(Struct, frozen=True, array_like=True):
    """A stretch [lo, hi) of the axis that is done."""

    lo: int
    hi: int
    items: int
    nbytes: int
    blobs: list[Blob]
    failed: list[FailedItem]


class Filled(Struct, frozen=True, array_like=True):
    """The result of an item that had failed and was retried: it goes where the failed one left a hole.

    It may be a whole chunk which could not be read then: it has the results of many items now, and some of these
    may have failed.

    Attributes:
        failed: those, each with where its record would stand in these bytes.
        items: how many items more there are than were counted.
    """

    lo: int
    hi: int
    index: int
    blobs: list[Blob]
    failed: list[FailedItem] = []
    items: int = 0


class Commit(Struct, frozen=True):
    """One entry of the ledger. It names everything that exists since the last one.

    Attributes:
        epoch: who wrote it.
        ranges: the stretches that are done.
        filled: the failed items that a retry made good.
        refailed: the failed items that a retry could not make good either.
        voided: ranges of earlier commits whose bytes were found damaged: they are missing again.
        failures: the part that holds the failures' details, one JSON object a line, or None.
        format: the version of this format, as the ledger decides it (:func:`format_of`).
    """

    epoch: int
    ranges: list[Range]
    filled: list[Filled] = []
    refailed: list[FailedItem] = []
    voided: list[Range] = []
    failures: str | None = None
    format: int = FORMAT


def format_of(commit: Commit) -> int:
    """The lowest version whose readers understand all of a commit."""
    has_own = any(filled.failed or filled.items for filled in commit.filled)
    return FILLED_FORMAT if has_own else FORMAT


class Failure(Struct, frozen=True):
    """What `failures.jsonl` says of an item: its key, its last error, where it was raised, how often it was tried."""

    key: Key
    error: str
    type: str
    traceback: str
    attempts: int
    chunk: tuple[int, int]
    index: int


class Owner(Struct, frozen=True):
    """Who owns a shard: the process, the host, and when it took it (seconds since 1970).

    Attributes:
        started: when the process started, as its host counts; 0 if that is not known.
    """

    host: str
    pid: int
    since: float
    started: int = 0
