"""Getting one object: whole, or a range of it, and only if it is still the one that was planned.

The ETag of the answer is compared with the planned one, rather than asked for by `If-Match`, which not every service
answers rightly. A service that gives none is held to size and time.
"""

import os
from collections.abc import Buffer
from datetime import datetime
from typing import Any, Protocol

from orchestrator.errors import InputError
from orchestrator.inputs.base import Entry
from orchestrator.store.bucket import Bucket, obstore
from orchestrator.store.refusals import BucketError, Missing, OutOfRange

_CHANGED_HINT = "Start a new run, or bring the object back as it was."


class Changed(BucketError):
    """The object is not the one that was planned."""


class Fetcher(Protocol):
    """Gets the objects below a place."""

    def fetch(self, entry: Entry, start: int = 0, length: int | None = None) -> Buffer:
        """An object, or a range of it, in the memory it was received in.

        Raises:
            InputError: it is gone, or is not the one that was planned.
            ConnectionError: it cannot be fetched now.
        """
        ...


class FromBucket:
    """Gets objects of a bucket. Threads may share it."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._get = obstore().get

    def fetch(self, entry: Entry, start: int = 0, length: int | None = None) -> Buffer:
        """An object, or a range of it."""
        bucket = self._bucket
        key = bucket.place.key(entry.name.decode())
        options = None if length is None else {"range": (start, start + length)}
        try:
            return self._ask(entry, key, options)
        except Changed as problem:
            raise _for_the_item(problem, bucket.place.below(entry.name.decode()).url) from None
        except Exception:  # noqa: BLE001 - it is asked again, and told, below
            pass
        try:
            return bucket.call("read", key, lambda: self._ask(entry, key, options))
        except BucketError as problem:
            raise _for_the_item(problem, bucket.place.below(entry.name.decode()).url) from None

    def _ask(self, entry: Entry, key: str, options: dict[str, Any] | None) -> Buffer:
        found = self._get(self._bucket.native, key, options=options)
        reason = difference(entry, found.meta)
        if reason:
            raise Changed(f"the object changed since the run was planned: {reason}", where=self._bucket.place.url)
        body: Buffer = found.bytes()
        return body


class FromFolder:
    """Gets files of a folder, for `file://`."""

    def __init__(self, root: bytes) -> None:
        self._root = root.rstrip(b"/") + b"/"

    def fetch(self, entry: Entry, start: int = 0, length: int | None = None) -> bytes:
        """A file, or a range of it."""
        path = self._root + entry.name
        try:
            with open(path, "rb", buffering=0) as file:
                found = os.fstat(file.fileno())
                if file_tag(found) != entry.etag:
                    raise InputError(
                        "the file changed since the run was planned", where=os.fsdecode(path), hint=_CHANGED_HINT
                    )
                file.seek(start)
                return file.read() if length is None else file.read(length)
        except FileNotFoundError:
            raise InputError("the file is gone since the run was planned", where=os.fsdecode(path)) from None


def file_tag(found: os.stat_result) -> str:
    """What an ETag is for a file."""
    return f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"


def entry_of(name: str, meta: dict[str, Any]) -> Entry:
    """The plan's entry for an object, from what a listing or an answer tells of it."""
    return Entry(name.encode(), 1, 0, meta["size"], _nanoseconds(meta["last_modified"]), etag=meta["e_tag"] or "")


def difference(entry: Entry, meta: dict[str, Any]) -> str:
    """How an object differs from the planned one; "" if it does not; pure."""
    tag = meta["e_tag"] or ""
    if entry.etag and tag:
        # Some services quote in one place and not in another.
        return "" if tag.strip('"') == entry.etag.strip('"') else f"its ETag was {entry.etag} and is {tag}"
    if meta["size"] != entry.size:
        return f"it had {entry.size:,} bytes and has {meta['size']:,}"
    return "" if _nanoseconds(meta["last_modified"]) == entry.mtime_ns else "its modification time is another"


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000


def _for_the_item(problem: BucketError, url: str) -> Exception:
    """What the task's item fails by."""
    if isinstance(problem, Missing):
        return InputError("the object is gone since the run was planned", where=url, hint=_CHANGED_HINT)
    if isinstance(problem, OutOfRange):
        return InputError("the object became shorter since the run was planned", where=url, hint=_CHANGED_HINT)
    if isinstance(problem, Changed):
        return InputError(problem.message, where=url, hint=_CHANGED_HINT)
    if problem.transient:
        return ConnectionError(f"{url}: {problem.message}")
    return InputError(problem.message, where=url, hint=problem.hint)
