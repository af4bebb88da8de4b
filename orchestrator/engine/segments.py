"""A run of a chunk's items with their results, some of which may have failed; and its encoding around the holes."""

import errno
import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct, field

from orchestrator.engine.items import HOLE
from orchestrator.engine.outcome import WHOLE_CHUNK
from orchestrator.engine.poison import Poison, Poisoned
from orchestrator.engine.sinks import Sink
from orchestrator.errors import FtorchError, InputError, StoreUnavailable
from orchestrator.inputs.base import Batch, Unreadable
from orchestrator.run.records import Failure
from orchestrator.spec.keys import Key

_TRACEBACK_LIMIT = 20
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}


class FailedAt(Struct):
    """An item that failed for good: its number, key and error, and where its record would be."""

    number: int
    key: Key
    error: BaseException
    at: int
    single: bool = False


class Segment(Struct):
    """Consecutive items of a chunk.

    Attributes:
        base: the number of the first one within the chunk.
        keys: gives their keys.
        results: their results, HOLE where one failed.
        errors: what they raised, by position; they may be tried again.
        values: the items that failed, by position.
        unreadable: items that could not be made: position, number and error.
        token: the encoded results, once the segment is settled.
        failures: the items that failed for good, once the segment is settled.
        unread: the whole chunk could not be read.
        numbers: the items' numbers, where they are not consecutive (a retry).
    """

    base: int
    keys: Callable[[], Sequence[Key]]
    results: list[Any]
    errors: dict[int, BaseException]
    values: dict[int, Any]
    unreadable: list[tuple[int, int, Key, Exception]] = field(default_factory=list)
    token: Any = None
    failures: list[FailedAt] = field(default_factory=list)
    unread: bool = False
    numbers: list[int] | None = None
    count: int | None = None

    @classmethod
    def for_unread(cls, name: str, error: Exception) -> Segment:
        """The segment that stands for a chunk that could not be read."""
        return cls(WHOLE_CHUNK, lambda: [name], [HOLE], {0: error}, {}, unread=True)

    @property
    def items(self) -> int:
        """How many items it has, failed ones included."""
        return self.count if self.count is not None else len(self.results) + len(self.unreadable)

    @property
    def waiting(self) -> bool:
        """Whether an item of it may be tried again."""
        return any(not isinstance(error, Poisoned) for error in self.errors.values())

    @property
    def hopeless(self) -> bool:
        """Whether trying again cannot help: a file or object is not the one that was planned."""
        left = [error for error in self.errors.values() if not isinstance(error, Poisoned)]
        return bool(left) and all(isinstance(error, InputError) for error in left)

    def number(self, at: int) -> int:
        """The number within the chunk of the item at a position."""
        return self.numbers[at] if self.numbers is not None else self.base + at

    def note_unreadable(self, items: Iterable[tuple[int, Unreadable]]) -> None:
        """Take in items that could not be made, each with how many of the chunk could not be made before it."""
        self.unreadable = [(item.position, -1 - before, item.key, item.error) for before, item in items]


def first_of(batch: Batch, count: int) -> Batch:
    """The first so many items of a batch; those that could not be made count, too."""
    if len(batch.values) + len(batch.unreadable) <= count:
        return batch
    places = [bad.position + before for before, bad in enumerate(batch.unreadable)]
    lost = bisect_left(places, count)
    keys = batch.keys()[: count - lost]
    return Batch(batch.values[: count - lost], lambda: keys, batch.nbytes, batch.unreadable[:lost])


def encode_segment(sink: Sink, segment: Segment) -> Segment:
    """Settle a segment: encode its results; what still has an error, or cannot be encoded, has failed for good."""
    if segment.token is not None:
        return segment
    segment.count = segment.items
    if not segment.errors and not segment.unreadable:
        try:
            segment.token = sink.encode(segment.keys() if sink.needs_keys else (), segment.results)
        except Exception as error:
            raise_if_fatal(error)
            _encode_around(sink, segment)
    else:
        _encode_around(sink, segment)
    segment.results, segment.values, segment.errors = [], {}, {}
    if not sink.discards:
        # They hold the batch's items, and a chunk may have many batches.
        segment.keys = _let_go
    return segment


def _let_go() -> Sequence[Key]:
    return ()


def raise_if_fatal(error: Exception) -> None:
    """Raise again what is no item's fault: an error of ours, or a disk that cannot take any item's result.

    Raises:
        StoreUnavailable: the output's disk is full, read-only or failing.
    """
    if isinstance(error, FtorchError):
        raise error
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        raise StoreUnavailable(
            f"the output cannot be written: {error.strerror}",
            where=None if error.filename is None else os.fsdecode(error.filename),
            hint="What was committed is kept; when the disk can be written again, go on with --resume.",
        ) from error


def _encode_around(sink: Sink, segment: Segment) -> None:
    """Encode one by one, and note where in the bytes each failed item's record would be."""
    tokens: list[Any] = []
    size = 0
    keys = segment.keys()
    unreadable = sorted(segment.unreadable, key=lambda item: item[0])
    for at, result in enumerate(segment.results):
        while unreadable and unreadable[0][0] <= at:
            segment.failures.append(_unreadable(unreadable.pop(0), size))
        key = keys[at]
        error = segment.errors.get(at)
        if error is None:
            try:
                tokens.append(sink.encode([key] if sink.needs_keys else (), [result]))
                size += sink.size(tokens[-1])
                continue
            except Exception as raised:
                raise_if_fatal(raised)
                error = raised
        segment.failures.append(FailedAt(segment.number(at), key, error, size, single=at not in segment.errors))
    segment.failures.extend(_unreadable(item, size) for item in unreadable)
    segment.token = sink.join(tokens) if tokens else sink.encode((), ())


def _unreadable(item: tuple[int, int, Key, Exception], at: int) -> FailedAt:
    _, number, key, error = item
    return FailedAt(number, key, error, at, single=True)


def describe(failed: FailedAt, chunk: tuple[int, int], attempts: int) -> Failure:
    """What to tell of a failed item; errors that no retry was spent on count one attempt."""
    error = failed.error
    if isinstance(error, Poisoned):
        return _describe_poison(failed, error.poison, chunk)
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/orchestrator/engine/" not in frame.filename]
    text = "".join(traceback.format_list(own[-_TRACEBACK_LIMIT:])) + "".join(traceback.format_exception_only(error))
    return Failure(
        key=_printable(failed.key),
        error=str(error).encode("utf-8", "backslashreplace").decode(),
        type=type(error).__qualname__,
        traceback=text.encode("utf-8", "backslashreplace").decode(),
        attempts=1 if failed.single else attempts,
        chunk=chunk,
        index=failed.number,
    )


def _describe_poison(failed: FailedAt, poison: Poison, chunk: tuple[int, int]) -> Failure:
    return Failure(
        key=_printable(failed.key),
        error=poison.error,
        type=poison.kind,
        traceback=poison.stack,
        attempts=poison.attempts,
        chunk=chunk,
        index=failed.number,
    )


def _printable(key: Key) -> Key:
    if isinstance(key, int):
        return key
    return key.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
