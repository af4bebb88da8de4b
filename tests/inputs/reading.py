"""Reading a source by intervals, as the engine does, and all at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import settings

from orchestrator.inputs.base import Entry, Piece, Source
from orchestrator.inputs.open import open_source
from orchestrator.spec.model import Input

# Examples write files, so how long one takes says nothing.
unhurried = settings(deadline=None)


@dataclass
class Seen:
    """What a reading gave: (key, value) in order, and (key, how many good values come before, error)."""

    items: list[tuple[Any, Any]] = field(default_factory=list)
    bad: list[tuple[Any, int, type[Exception]]] = field(default_factory=list)

    @property
    def values(self) -> list[Any]:
        return [value for _, value in self.items]

    @property
    def keys(self) -> list[Any]:
        return [key for key, _ in self.items]


def intervals(entries: Sequence[Entry], cuts: Iterable[int]) -> list[list[Piece]]:
    """The pieces of the axis between the cuts; a cut inside a whole entry moves to its end."""
    length = sum(entry.units for entry in entries)
    bounds = sorted({0, length, *(cut % (length + 1) for cut in cuts)})
    chunks = []
    for lo, hi in pairwise(bounds):
        pieces, at = [], 0
        for entry in entries:
            a, b = max(lo, at) - at, min(hi, at + entry.units) - at
            if entry.whole and a < b:
                a, b = (0, entry.units) if a == 0 else (b, b)
            if a < b:
                pieces.append(Piece(entry, a, b))
            at += entry.units
        if pieces:
            chunks.append(pieces)
    return chunks


def read(source: Source, cuts: Iterable[int] = ()) -> Seen:
    """Everything, one interval after the other, by one reader."""
    seen = Seen()
    reader = source.reader()
    try:
        for pieces in intervals(list(source.entries()), cuts):
            for batch in reader.read(pieces):
                before = len(seen.items)
                keys = batch.keys()
                assert len(keys) == len(batch.values)
                seen.items += zip(keys, batch.values, strict=True)
                seen.bad += [(bad.key, before + bad.position, type(bad.error)) for bad in batch.unreadable]
    finally:
        reader.close()
    return seen


def source_of(base: Path, **kind: Any) -> Source:
    """The source of an input as a job file would give it."""
    return open_source(Input(**kind), base)
