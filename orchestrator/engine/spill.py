"""Where a lane puts the results of a chunk that are too many for memory: those of a compressed file, say.

Guarantees: of a chunk's encoded results at most `most` bytes and one batch's are in memory, and those of batches in
which an item waits for its retry; what was put into a file is there as long as somebody refers to it. Assumes: it
belongs to one thread, and the sink's tokens are bytes.
"""

from itertools import groupby
from pathlib import Path
from typing import Any

from msgspec import structs

from orchestrator.engine.segments import Segment
from orchestrator.engine.spool import Spilled, Spool, Spooled

_MOST_HELD = 1 << 20
_MOST_A_SPOOL = 64 << 20
"""A spool that holds so much takes no further chunk: its room on the disk is free once all its chunks are committed."""


class Spill:
    """One lane's spools.

    Args:
        folder: on which disk.
        most: how many bytes of a chunk's results stay in memory.
    """

    def __init__(self, folder: Path, most: int = _MOST_HELD) -> None:
        self.most = most
        self._folder = folder
        self._spool = Spool(folder)

    def spool(self) -> Spool:
        """The one for the next chunk."""
        if self._spool.size >= _MOST_A_SPOOL:
            self._spool = Spool(self._folder)
        return self._spool


def held(segment: Segment) -> int:
    """How many bytes of encoded results a segment keeps in memory."""
    return len(segment.token) if isinstance(segment.token, bytes) else 0


def moved(segments: list[Segment], spool: Spool) -> list[Segment]:
    """The segments, each run of settled ones as one whose results are in the spool.

    Raises:
        StoreUnavailable: the spool cannot be written.
    """
    kept: list[Segment] = []
    for in_memory, run in groupby(segments, lambda segment: isinstance(segment.token, bytes)):
        some = list(run)
        kept += [_one(some, spool)] if in_memory else some
    return kept


def spilled(tokens: list[Any], spool: Spool) -> Spilled:
    """What stands for the tokens, in order, those that are still in memory put into the spool, too.

    Raises:
        StoreUnavailable: the spool cannot be written.
    """
    places: list[Spooled] = []
    for in_memory, run in groupby(tokens, lambda token: isinstance(token, bytes)):
        some = list(run)
        places += [spool.append(some)] if in_memory else some
    return Spilled(spool, tuple(place for place in places if place.length))


def _one(run: list[Segment], spool: Spool) -> Segment:
    """Settled segments, joined, in the spool."""
    failures, position = [], 0
    for segment in run:
        failures += [structs.replace(failed, at=position + failed.at) for failed in segment.failures]
        position += len(segment.token)
    place = spool.append([segment.token for segment in run])
    count = sum(segment.items for segment in run)
    return structs.replace(run[0], token=place, failures=failures, count=count)
