"""Items that a program holds, as the engine's input: a sequence that is cut, or an iterator that is read as it goes.

Guarantees: an iterator is asked for its next item by one thread at a time, under one lock; no more is taken from it
than the threads work on; what was taken stays here until its outcome came, so that nothing that was read is lost.
Assumes: a sequence is not changed meanwhile.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, Protocol

from orchestrator.engine.dispenser import AnyDispenser, Chunk, Dispenser
from orchestrator.engine.lane import Plan
from orchestrator.errors import InputError
from orchestrator.inputs.base import Batch, Entry, Piece, Reader
from orchestrator.run.plan import PlanIndex, PlanReader, write_plan
from orchestrator.store.memory import MemoryStore

_MOST_READ = 4096
_LONGEST_READ = 0.002
_STREAM = Entry(b"items", 1)


class Held(Protocol):
    """Items as input.

    Attributes:
        count: how many there are, None where only reading can tell.
        error: what the iterator raised, if it did.
    """

    count: int | None
    error: BaseException | None

    def dispenser(self, threads: int) -> AnyDispenser:
        """What hands out chunks of them; once."""
        ...

    def plan(self) -> Plan:
        """What finds a chunk's stretch; one for each thread."""
        ...

    def reader(self) -> Reader:
        """What makes items of a stretch; one for each thread."""
        ...

    def values(self, lo: int, hi: int) -> Sequence[Any]:
        """The items of a stretch whose outcome has not come yet."""
        ...

    def settled(self, lo: int) -> None:
        """The outcome of the chunk that starts there has come."""
        ...

    def missing(self, done: Iterable[tuple[int, int]]) -> list[tuple[int, Sequence[Any]]]:
        """What was read and is not done, each stretch with where it starts.

        Args:
            done: the stretches that are done, sorted.
        """
        ...


def hold(items: Any) -> Held:
    """Items as input: lists, tuples and ranges are cut where they lie, everything else is read as it goes.

    Raises:
        InputError: they cannot be iterated over.
    """
    if isinstance(items, (list, tuple, range)):
        return Whole(items)
    try:
        iterator = iter(items)
    except TypeError:
        hint = "Collect them first: [item async for item in …]." if hasattr(items, "__aiter__") else None
        raise InputError(
            f"found a {type(items).__name__}, expected items to iterate over: a list, a generator", hint=hint
        ) from None
    return Stream(iterator, len(items) if hasattr(items, "__len__") else None)


class _Values:
    """Makes batches of the values that stretches stand for."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def read(self, pieces: Sequence[Piece]) -> Iterator[Batch]:
        """One batch a piece."""
        for piece in pieces:
            keys = partial(range, piece.lo, piece.hi)
            yield Batch(self._held.values(piece.lo, piece.hi), keys, 0)

    def close(self) -> None:
        """Nothing is kept open."""


class Whole:
    """A sequence: one entry of the axis, an item a unit."""

    unit = "item"

    def __init__(self, items: Sequence[Any]) -> None:
        self.count: int | None = len(items)
        self.error: BaseException | None = None
        self._items = items
        self._units = len(items)
        self._store = MemoryStore()
        self._index: PlanIndex = write_plan(self._store, self, self.entries(), 1, lambda: None)

    def entries(self) -> Iterator[Entry]:
        """The one entry, none for no items."""
        if self._units:
            yield Entry(b"items", self._units)

    def notes(self) -> Sequence[str]:
        """Nothing is passed over."""
        return ()

    def dispenser(self, threads: int) -> AnyDispenser:
        """Hands out stretches, smaller ones near the end."""
        gaps = [(0, self._units)] if self._units else []
        return Dispenser(self.plan(), gaps, [], threads)

    def plan(self) -> PlanReader:
        """A reader of the plan."""
        return PlanReader(self._store, self._index)

    def reader(self) -> Reader:
        """Cuts the sequence."""
        return _Values(self)

    def values(self, lo: int, hi: int) -> Sequence[Any]:
        """The items of a stretch."""
        return self._items[lo:hi]

    def settled(self, lo: int) -> None:
        """The sequence stays whose it is."""

    def missing(self, done: Iterable[tuple[int, int]]) -> list[tuple[int, Sequence[Any]]]:
        """The gaps."""
        found, position = [], 0
        for lo, hi in (*done, (self._units, self._units)):
            if lo > position:
                found.append((position, self._items[position:lo]))
            position = hi
        return found


class Stream:
    """An iterator: its items are numbered as they are read."""

    unit = "item"

    def __init__(self, iterator: Iterator[Any], count: int | None) -> None:
        self.count = count
        self.error: BaseException | None = None
        self._lock = threading.Lock()
        self._iterator = iterator
        self._ended = False
        self._position = 0
        self._read: dict[int, list[Any]] = {}

    def take(self, units: int, _size: int) -> Chunk | None:
        """The next items, at most so many; fewer where reading them takes long."""
        with self._lock:
            values = [] if self._ended else self._next(min(units, _MOST_READ))
            if not values:
                return None
            lo = self._position
            self._position += len(values)
            self._read[lo] = values
            return Chunk(lo, self._position)

    def _next(self, most: int) -> list[Any]:
        values: list[Any] = []
        append, started, want = values.append, time.perf_counter(), 1
        try:
            while len(values) < most and not self._ended:
                target = min(most, len(values) + want)
                for value in islice(self._iterator, target - len(values)):
                    append(value)
                self._ended = len(values) < target
                if time.perf_counter() - started > _LONGEST_READ:
                    break
                want *= 2
        except BaseException as error:
            # What was read before is done all the same.
            self.error, self._ended = error, True
        return values

    def dispenser(self, threads: int) -> AnyDispenser:  # noqa: ARG002
        """Itself."""
        return self

    def plan(self) -> Stream:
        """Itself."""
        return self

    def pieces(self, lo: int, hi: int) -> list[Piece]:
        """One piece a chunk."""
        return [Piece(_STREAM, lo, hi)]

    def reader(self) -> Reader:
        """Gives what was read."""
        return _Values(self)

    def values(self, lo: int, hi: int) -> Sequence[Any]:  # noqa: ARG002
        """The items of a chunk."""
        return self._read[lo]

    def settled(self, lo: int) -> None:
        """Let go of the items."""
        del self._read[lo]

    def missing(self, done: Iterable[tuple[int, int]]) -> list[tuple[int, Sequence[Any]]]:  # noqa: ARG002
        """What was read and has no outcome."""
        return sorted(self._read.items())
