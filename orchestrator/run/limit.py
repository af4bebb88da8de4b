"""The first so many items of an input (`--limit`): its entries, cut short."""

from collections.abc import Iterator

import msgspec

from orchestrator.errors import InputError
from orchestrator.inputs.base import Entry, Piece, Reader, Source

_STRIDE = 1 << 20


class Limited:
    """The entries of a source up to so many items; iterate over it once.

    Raises:
        InputError: while iterating: the input cannot be planned, or a file of it cannot be read.

    Attributes:
        of_last: how many items of the last entry are wanted, where that entry must not be cut; else None.
    """

    def __init__(self, source: Source, items: int) -> None:
        self.of_last: int | None = None
        self._source = source
        self._left = items

    def __iter__(self) -> Iterator[Entry]:
        reader = self._source.reader()
        try:
            entries = self._source.entries()
            while self._left > 0 and (entry := next(entries, None)) is not None:
                yield self._cut(reader, entry)
        finally:
            reader.close()

    def _cut(self, reader: Reader, entry: Entry) -> Entry:
        if self._source.unit != "byte":
            units = min(entry.units, self._left)
            self._left -= units
            return msgspec.structs.replace(entry, units=units)
        if entry.whole:
            count = _count(reader, entry, 0, entry.units, self._left)
            self.of_last = self._left if count >= self._left else None
            self._left -= count
            return entry
        return self._cut_bytes(reader, entry)

    def _cut_bytes(self, reader: Reader, entry: Entry) -> Entry:
        lo = 0
        while lo < entry.units and self._left:
            hi = min(lo + _STRIDE, entry.units)
            count = _count(reader, entry, lo, hi, self._left + 1)
            if count >= self._left:
                return msgspec.structs.replace(entry, units=self._bisect(reader, entry, lo, hi))
            self._left -= count
            lo = hi
        return entry

    def _bisect(self, reader: Reader, entry: Entry, lo: int, hi: int) -> int:
        """The least end with enough items in [lo, end)."""
        start, wanted = lo, self._left
        while lo + 1 < hi:
            middle = (lo + hi) // 2
            if _count(reader, entry, start, middle, wanted) >= wanted:
                hi = middle
            else:
                lo = middle
        self._left = 0
        return hi


def _count(reader: Reader, entry: Entry, lo: int, hi: int, enough: int) -> int:
    count = 0
    try:
        for batch in reader.read([Piece(entry, lo, hi)]):
            count += len(batch.values) + len(batch.unreadable)
            if count >= enough:
                break
    except OSError as error:
        name = entry.name.decode("utf-8", "backslashreplace")
        raise InputError(f"its items cannot be counted for the limit: {error.strerror or error}", where=name) from error
    return count
