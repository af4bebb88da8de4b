"""The plan: the input as it was when the run began, written once, read in slices.

It is streamed into parts of 4,096 entries, so memory does not grow with the input; the index is created last, so a
plan exists exactly when its index does. Each attempt to make it writes parts of its own, so of two processes that plan
one run neither touches what the other's index names. A reader keeps a few decoded parts and belongs to one thread.
"""

import os
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import accumulate, batched, pairwise

import msgspec
from msgspec import Struct

from orchestrator.errors import RunDamaged
from orchestrator.inputs.base import Entry, Piece, Source
from orchestrator.store.base import NotFound, Store

INDEX = "plan/index.json"
ENTRIES_A_PART = 4096
_PARTS_KEPT = 2


class PlanIndex(Struct, frozen=True):
    """What a plan adds up to.

    Attributes:
        unit: what the axis counts: "file", "byte" or "item".
        units: the length of the axis.
        entries: how many entries the parts hold.
        bytes: the bytes of input, where they are known.
        items: the number of items, where the plan alone can tell (files and ranges).
        starts: the axis position at which each part starts, and the axis's end.
        shards: the axis position at which each shard starts, and the axis's end; none lies inside a whole entry.
        attempt: what the names of the parts begin with.
        limit: only so many items of the last entry are wanted (`--limit`), or None.
        limit_from: where on the axis that last entry starts.
        notes: what the input's walk passed over.
    """

    unit: str
    units: int
    entries: int
    bytes: int
    items: int | None
    starts: list[int]
    shards: list[int]
    attempt: str
    limit: int | None = None
    limit_from: int = 0
    notes: list[str] = []


def write_plan(
    store: Store, source: Source, entries: Iterator[Entry], shards: int, limit: Callable[[], int | None]
) -> PlanIndex:
    """Write the plan of a source to a store and give its index: that of another process, if it was there first.

    Args:
        store: the run's store.
        source: what the entries come from; it tells the unit and the notes.
        entries: its entries, perhaps cut short.
        shards: into how many equal stretches of the axis the work is divided.
        limit: asked at the end, how many items of the last entry are wanted; None for all.

    Raises:
        InputError: the input cannot be planned.
        StoreUnavailable: the store cannot be written.
    """
    starts, count, size, last = [0], 0, 0, 0
    uncut = bytearray()
    encoder, attempt = msgspec.msgpack.Encoder(), os.urandom(4).hex()
    # One buffer for all parts: new bytes of this size are each given fresh memory, and plans have many parts.
    encoded = bytearray()
    for part in batched(entries, ENTRIES_A_PART):
        encoder.encode_into(part, encoded)
        store.put(_part_name(attempt, len(starts) - 1), [encoded])
        starts.append(starts[-1] + sum(entry.units for entry in part))
        uncut.append(any(entry.whole and entry.units > 1 for entry in part))
        count += len(part)
        last = part[-1].units
        size += sum(entry_bytes(source.unit, entry) for entry in part)
    units = starts[-1]
    index = PlanIndex(
        unit=source.unit,
        units=units,
        entries=count,
        bytes=size,
        items=None if source.unit == "byte" else units,
        starts=starts,
        shards=[units * number // shards for number in range(shards + 1)],
        attempt=attempt,
        limit=limit(),
        limit_from=units - last,
        notes=list(source.notes()),
    )
    index = msgspec.structs.replace(index, shards=_between_entries(store, index, uncut))
    return index if store.create(INDEX, [msgspec.json.encode(index)]) else read_index(store)


def _between_entries(store: Store, index: PlanIndex, uncut: bytearray) -> list[int]:
    """Where the shards start, each moved on to the end of the whole entry that it would cut.

    Only those of the parts are read again in which such an entry is (`uncut` has a byte for each part).
    """
    reader = PlanReader(store, index)
    moved: list[int] = []
    for start in index.shards:
        if start == index.units or not uncut[bisect_right(index.starts, start) - 1]:
            moved.append(start)
            continue
        inside = [piece for piece in reader.pieces(start, min(start + 1, index.units)) if piece.entry.whole]
        moved.append(start + sum(piece.entry.units - piece.lo for piece in inside if piece.lo))
    return moved


def entry_bytes(unit: str, entry: Entry) -> int:
    """How many bytes of input an entry stands for."""
    return {"file": entry.size, "byte": entry.units}.get(unit, 0)


def shard_totals(index: PlanIndex, shard: int) -> tuple[int | None, int | None]:
    """Items and bytes of a shard, each None where only reading the plan or the input could tell."""
    units = index.shards[shard + 1] - index.shards[shard]
    if units == index.units:
        return index.items, index.bytes
    return None if index.items is None else units, units if index.unit == "byte" else None


def read_index(store: Store) -> PlanIndex:
    """The index of the run's plan.

    Raises:
        NotFound: the run has no plan (it was stopped while it was being made).
        RunDamaged: the index is not one.
    """
    data = store.get(INDEX)
    try:
        return msgspec.json.decode(data, type=PlanIndex)
    except msgspec.MsgspecError as error:
        raise RunDamaged(
            f"the plan's index cannot be read: {error}",
            where=f"{store.url}/{INDEX}",
            hint="Start a new run; this one's results are in its parts.",
        ) from error


class PlanReader:
    """Finds the entries of an interval of the axis. One for each thread."""

    def __init__(self, store: Store, index: PlanIndex) -> None:
        self.index = index
        self._store = store
        self._decoder = msgspec.msgpack.Decoder(list[Entry])
        self._parts: OrderedDict[int, tuple[list[Entry], list[int]]] = OrderedDict()

    def pieces(self, lo: int, hi: int) -> list[Piece]:
        """The entries that [lo, hi) covers, each with the part of it that is meant."""
        found: list[Piece] = []
        while lo < hi:
            entries, starts = self._part_at(lo)
            at = bisect_right(starts, lo) - 1
            while lo < hi and at < len(entries):
                start, stop = starts[at], min(starts[at + 1], hi)
                found.append(Piece(entries[at], lo - start, stop - start))
                lo = stop
                at += 1
        return found

    def cut(self, lo: int, units: int, size: int, end: int) -> int:
        """Where a chunk that starts at `lo` ends: after so many units or bytes, and not inside a whole entry.

        Args:
            lo: where the chunk starts; the start of an entry if that entry is whole.
            units: how many units it should have at most (at least one entry is taken all the same).
            size: how many bytes of input it should have at most, for units that are files.
            end: where the chunk must end at the latest.
        """
        hi = lo
        while hi < end and hi - lo < units and size > 0:
            entries, starts = self._part_at(hi)
            at = bisect_right(starts, hi) - 1
            hi, size = self._cut_in_part(entries, starts, at, hi, (lo + units, size, end))
        return min(hi, end)

    def _cut_in_part(
        self, entries: list[Entry], starts: list[int], at: int, hi: int, bounds: tuple[int, int, int]
    ) -> tuple[int, int]:
        target, size, end = bounds
        by_size = self.index.unit == "file"
        while at < len(entries) and hi < min(target, end) and size > 0:
            entry, stop = entries[at], starts[at + 1]
            hi = stop if entry.whole else min(stop, max(target, hi + 1))
            if by_size:
                size -= entry.size
            at += 1
        return hi, size

    def _part_at(self, position: int) -> tuple[list[Entry], list[int]]:
        number = bisect_right(self.index.starts, position) - 1
        part = self._parts.get(number)
        if part is None:
            part = self._parts[number] = self._load(number)
            if len(self._parts) > _PARTS_KEPT:
                self._parts.popitem(last=False)
        return part

    def _load(self, number: int) -> tuple[list[Entry], list[int]]:
        name = _part_name(self.index.attempt, number)
        where = f"{self._store.url}/{name}"
        hint = "Start a new run; this one's plan is damaged."
        try:
            entries = self._decoder.decode(self._store.get(name))
        except NotFound:
            raise RunDamaged("the plan lacks a part that its index names", where=where, hint=hint) from None
        except msgspec.MsgspecError as error:
            raise RunDamaged(f"a part of the plan cannot be read: {error}", where=where, hint=hint) from error
        starts = list(accumulate((entry.units for entry in entries), initial=self.index.starts[number]))
        if starts[-1] != self.index.starts[number + 1]:
            raise RunDamaged("a part of the plan does not add up to what its index says", where=where, hint=hint)
        return entries, starts


def all_entries(store: Store, index: PlanIndex) -> Iterator[Entry]:
    """Every entry of a plan, in order, one part in memory at a time."""
    reader = PlanReader(store, index)
    for lo, hi in pairwise(index.starts):
        for piece in reader.pieces(lo, hi):
            yield piece.entry


def _part_name(attempt: str, number: int) -> str:
    return f"plan/{attempt}-{number:06d}"
