"""What every kind of input is: a source of entries to plan with, and readers that make items of pieces.

The whole input lies on one **axis** of integers. A source yields entries in input order; entry after entry
takes `units` of the axis: a file takes one, a byte range of a text file takes its length in bytes, a range of
integers takes one a number. A chunk of work is an interval [lo, hi) of the axis, so "what is done" is a set
of intervals, and what is missing is its complement, for every kind of input alike.

Guarantees a source gives: `entries()` is the same sequence for the same input; reading adjacent intervals
gives the same items, in the same order, as reading their union, wherever the cuts fall (an entry that is
`whole` is never cut). Memory does not grow with the number of entries beyond one folder's names.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from msgspec import Struct, field

from orchestrator.spec.keys import Key


class Entry(Struct, frozen=True, array_like=True, gc=False):
    """One stretch of the input, as the plan keeps it.

    Attributes:
        name: the file's path below the source's root, as bytes (`os.fsencode`); an object's key; empty for a range.
        units: how much of the axis it takes, at least 1.
        start: the byte offset in the file at which it starts.
        size: the whole file's size in bytes when it was planned.
        mtime_ns: the file's modification time when it was planned.
        whole: it must not be cut: it is read in one go by one thread.
        etag: what tells this version of an object from others; "" for files, and where the service gives none.
    """

    name: bytes
    units: int
    start: int = 0
    size: int = 0
    mtime_ns: int = 0
    whole: bool = False
    etag: str = ""


class Piece(Struct, frozen=True):
    """The part [lo, hi) of an entry, in units counted from the entry's own start."""

    entry: Entry
    lo: int
    hi: int


class Unreadable(Struct, frozen=True):
    """An item that could not be made: a line that is not UTF-8, a record that is not JSON.

    Attributes:
        position: how many good values of its batch come before it.
        key: its key.
        error: why.
    """

    position: int
    key: Key
    error: Exception


class Batch(Struct):
    """Some consecutive items.

    Attributes:
        values: the items.
        keys: gives their keys, one for each value; called only when something needs them.
        nbytes: how many bytes of input they stand for (a file's size, a line with its newline).
        unreadable: items that could not be made, in order.
    """

    values: Sequence[Any]
    keys: Callable[[], Sequence[Key]]
    nbytes: int
    unreadable: Sequence[Unreadable] = field(default=())


class Reader(Protocol):
    """Turns pieces into items; belongs to one thread, so it may keep files open and buffers of its own."""

    def read(self, pieces: Sequence[Piece]) -> Iterator[Batch]:
        """Yield the items of the pieces, in order, in few batches (about 128 kB of input each).

        Raises:
            OSError: the file is gone or cannot be read.
            InputError: the file is not the one that was planned (its size or time changed).
        """
        ...

    def close(self) -> None:
        """Close what was kept open."""
        ...


class Source(Protocol):
    """One job's input."""

    @property
    def unit(self) -> str:
        """What the axis counts: "file", "byte" or "item"."""
        ...

    def entries(self) -> Iterator[Entry]:
        """Yield the entries in input order, streamed.

        Raises:
            InputError: the root or a named file does not exist or cannot be read.
        """
        ...

    def notes(self) -> Sequence[str]:
        """What the walk passed over, told to the user after `entries()` ("3 symbolic links skipped")."""
        ...

    def reader(self) -> Reader:
        """A new reader, for one thread."""
        ...
