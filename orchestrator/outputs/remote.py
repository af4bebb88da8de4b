"""Results in a bucket: one object, or a folder of parts.

Guarantees: an object is seen whole or not at all; one that is large goes up in several requests and appears with the
last. Without `overwrite` nothing of another run is replaced, which is looked at when the run begins and again when it
publishes; what this run wrote it knows by the run's name beside the bytes, so to publish again gives the same. The
parts of a folder appear one by one, and `_SUCCESS` after the last of them. Assumes: one process publishes a run.
"""

import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial

from orchestrator.errors import FtorchError, OutputError, StoreUnavailable
from orchestrator.outputs.publish import Piece, Published
from orchestrator.outputs.target import Target
from orchestrator.spec.model import Remote
from orchestrator.store.bucket import Bucket, obstore
from orchestrator.store.places import parse_place
from orchestrator.store.refusals import BucketError, Missing
from orchestrator.store.upload import upload

SUCCESS = "_SUCCESS"
_OWNER = "ftorchrun"
_REQUEST = 16 << 20


def check_remote(target: Target, remote: Remote) -> None:
    """Make sure that results can be written to a bucket: an object is really put beside them, and removed.

    Raises:
        OutputError: something is there already, or the bucket cannot be read or written.
        MissingExtra, MachineError: obstore or credentials are missing.
    """
    place = parse_place(target.url)
    if not place.path:
        raise OutputError(
            "the output would be the bucket itself", where=target.url, hint="Add a key, as in s3://bucket/out.jsonl."
        )
    bucket = Bucket(place, remote)
    try:
        taken = _first_below(bucket, place.path) if target.folder else _owner(bucket, place.path)
        if taken is not None and not target.overwrite:
            raise _exists(target.url)
        _probe(bucket, f"{place.path}.ftorch-{os.urandom(4).hex()}.tmp")
    except BucketError as error:
        raise OutputError(error.message, where=error.where, hint=error.hint) from None


def publish_remote(target: Target, remote: Remote, run: str, content: tuple[bytes, Iterable[Piece]]) -> Published:
    """Write one object, streamed; `content` is what it begins with and the rest.

    Raises:
        OutputError: another one is there by now, or may not be written.
        StoreUnavailable: the bucket cannot be reached.
    """
    place = parse_place(target.url)
    bucket = Bucket(place, remote)
    with _Naming():
        owner = _owner(bucket, place.path)
        if owner not in (None, run) and not target.overwrite:
            raise _exists(target.url)
        head, body = content
        size, checksum = _upload(bucket, place.path, run, _started(head, body))
    return Published(target.url, size, checksum)


def publish_remote_parts(
    target: Target, remote: Remote, run: str, content: tuple[bytes, Iterable[Piece]], part_size: int
) -> Published:
    """Write a folder of part objects, each beginning with the header, and `_SUCCESS` at the end.

    Raises:
        OutputError: something else is there by now, or it may not be written.
        StoreUnavailable: the bucket cannot be reached.
    """
    place = parse_place(target.url)
    bucket = Bucket(place, remote)
    head, pieces = content
    size = checksum = number = 0
    with _Naming():
        _clear_the_way(bucket, target, run)
        waiting = iter(pieces)
        while (piece := next(waiting, None)) is not None or number == 0:
            part = _part(piece, waiting, part_size)
            key = place.key(f"part-{number:05d}{target.suffix}")
            written, checksum = _upload(bucket, key, run, _started(head, part), checksum)
            size += written
            number += 1
        _remove_beyond(bucket, target, number)
        _upload(bucket, place.key(SUCCESS), run, iter([b""]))
    return Published(target.url, size, checksum, number)


class _Naming:
    """Gives what a bucket refuses the name that the engine knows it by."""

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, BucketError):
            away = error.transient or error.exit_code == StoreUnavailable.exit_code
            kind: type[FtorchError] = StoreUnavailable if away else OutputError
            raise kind(error.message, where=error.where, hint=error.hint) from None


def _upload(bucket: Bucket, key: str, run: str, pieces: Iterator[Piece], checksum: int = 0) -> tuple[int, int]:
    """Write an object, which is there when all of it is; its size, and the checksum with it counted in."""
    size = 0

    def counted() -> Iterator[Piece]:
        nonlocal size, checksum
        for piece in pieces:
            checksum = zlib.crc32(piece, checksum)
            size += memoryview(piece).nbytes
            yield piece

    upload(bucket, key, counted(), {_OWNER: run}, _REQUEST)
    return size, checksum


def _probe(bucket: Bucket, key: str) -> None:
    """Put an object and remove it; a bucket that lets nobody remove what is there is no hindrance."""
    library = obstore()
    bucket.call("write", key, lambda: library.put(bucket.native, key, b"", use_multipart=False))
    with suppress(BucketError):
        bucket.call("delete", key, lambda: library.delete(bucket.native, key))


def _owner(bucket: Bucket, key: str) -> str | None:
    """Which run wrote an object, "" if none did; None where there is no object."""
    library = obstore()
    try:
        # Not a HEAD, whose answer cannot say that there is no such bucket. What follows the headers is not read.
        found = bucket.call("read", key, lambda: library.get(bucket.native, key).attributes.get(_OWNER, ""))
    except Missing:
        return None
    return str(found)


def _keys_below(bucket: Bucket, path: str) -> Iterator[str]:
    library = obstore()
    for page in library.list(bucket.native, path):
        yield from (found["path"] for found in page)


def _first_below(bucket: Bucket, path: str) -> str | None:
    return bucket.call("list", path, lambda: next(_keys_below(bucket, path), None))


def _clear_the_way(bucket: Bucket, target: Target, run: str) -> None:
    """Make sure that a folder may be written, and take back that it is whole."""
    place = parse_place(target.url)
    first = _first_below(bucket, place.path)
    if first is not None and not target.overwrite and _owner(bucket, first) not in (None, run):
        raise _exists(target.url)
    if _owner(bucket, place.key(SUCCESS)) is not None:
        bucket.call("delete", place.key(SUCCESS), lambda: obstore().delete(bucket.native, place.key(SUCCESS)))


def _remove_beyond(bucket: Bucket, target: Target, number: int) -> None:
    """Remove the parts that an earlier, larger output has left."""
    place = parse_place(target.url)
    head, last = place.key("part-"), place.key(f"part-{number - 1:05d}{target.suffix}")

    def find() -> list[str]:
        return [key for key in _keys_below(bucket, place.path) if key.startswith(head) and key > last]

    for key in bucket.call("list", place.path, find):
        bucket.call("delete", key, partial(obstore().delete, bucket.native, key))


def _part(piece: Piece | None, waiting: Iterator[Piece], size: int) -> Iterator[Piece]:
    """The pieces of a part that begins with one, at least `size` bytes where there are so many."""
    body = 0
    while piece is not None:
        yield piece
        body += memoryview(piece).nbytes
        piece = next(waiting, None) if body < size else None


def _started(head: bytes, rest: Iterable[Piece]) -> Iterator[Piece]:
    if head:
        yield head
    yield from rest


def _exists(url: str) -> OutputError:
    hint = "Set output.overwrite: true to replace it, or give another output.path."
    return OutputError("something is there already", where=url, hint=hint)
