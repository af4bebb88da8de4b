"""A store in a bucket: conditional puts, whose answer may be lost.

Guarantees: those of :mod:`orchestrator.store.base`, between any number of processes on any number of machines. A
`create` whose answer never came is decided by reading back: each one writes a token of its own beside the bytes, so
who finds the name taken knows whether it was by itself. Assumes: the service honours `If-None-Match: *` on a put, and
a read sees what was written before (S3, Google Cloud Storage, Azure and Ceph do). No lock, no `If-Match`, no listing
is relied on for safety. What is put may be large: beyond 16 MiB it goes up in several requests, piece by piece. What is
created is one request, and held in memory: no service takes a condition with several.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, NoReturn

from orchestrator.errors import Interrupted, StoreRefused, StoreUnavailable
from orchestrator.store.access import Access
from orchestrator.store.base import Buffer, NotFound
from orchestrator.store.bucket import Bucket, obstore, waits
from orchestrator.store.places import Place
from orchestrator.store.refusals import BucketError, Exists, Missing, OutOfRange
from orchestrator.store.upload import TOKEN, token_of, upload

_WHOLE = 16 << 20

type Names = list[str]


class RemoteStore:
    """Objects below a prefix of a bucket. Threads may share it."""

    def __init__(self, place: Place, access: Access) -> None:
        self.place = place
        self._bucket = Bucket(place, access)
        self._native = self._bucket.native
        self._library = obstore()

    @property
    def url(self) -> str:
        """The place's URL."""
        return self.place.url

    def put(self, name: str, data: Iterable[Buffer]) -> None:
        """Write an object, replacing one of that name; a large one in several requests, all of it or nothing."""
        key, pieces = self.place.key(name), iter(data)
        head = _first(pieces, _WHOLE)
        if sum(memoryview(piece).nbytes for piece in head) <= _WHOLE:
            whole = b"".join(head)
            self._ask("write", key, lambda: self._library.put(self._native, key, whole, use_multipart=False))
            return
        rest = chain(_given_away(head), pieces)
        for wait in waits(self._bucket.patience):
            try:
                upload(self._bucket, key, rest)
                return
            except BucketError as problem:
                # What can be read only once is gone. obstore itself has tried each request again.
                if not problem.transient or wait is None or pieces is data:
                    _refuse(problem)
            time.sleep(wait)
            rest = chain(data)
        raise AssertionError

    def create(self, name: str, data: Iterable[Buffer]) -> bool:
        """Write an object unless the name is taken; says whether it did."""
        whole, token, key = b"".join(data), os.urandom(16).hex(), self.place.key(name)
        for wait in waits(self._bucket.patience):
            try:
                self._library.put(
                    self._native, key, whole, mode="create", use_multipart=False, attributes={TOKEN: token}
                )
                return True
            except Exception as error:  # noqa: BLE001 - obstore raises its own kinds and three of Python's
                problem = self._bucket.explain(error, "write", key)
            if not isinstance(problem, Exists) and not problem.transient:
                _refuse(problem)
            # An earlier try of ours may have arrived; and a name that was taken for a moment may be free again.
            if isinstance(problem, Exists) or wait is None:
                found = self._token_of(key, problem)
                if found is not None:
                    return found == token
            if wait is None:
                _refuse(problem)
            time.sleep(wait)
        raise AssertionError

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """The bytes of an object, or of a range of it."""
        key = self.place.key(name)
        options: dict[str, Any] | None = {"range": {"offset": start}} if start else None
        if length is not None:
            options = {"range": (start, start + length)} if length else {"head": True}

        def ask() -> bytes:
            found = self._library.get(self._native, key, options=options)
            return b"" if length == 0 else bytes(found.bytes())

        try:
            return self._ask("read", key, ask)
        except OutOfRange:
            return b""

    def list(self, prefix: str) -> Iterator[str]:
        """The names below a prefix, sorted."""
        key = self.place.key(prefix).strip("/")
        cut = len(self.place.path) + 1 if self.place.path else 0

        def ask() -> Names:
            listing = self._library.list(self._native, key or None)
            return sorted(found["path"][cut:] for page in listing for found in page)

        return iter(self._ask("list", key, ask))

    def delete(self, name: str) -> None:
        """Remove an object; nothing happens where there is none."""
        key = self.place.key(name)
        try:
            self._ask("delete", key, lambda: self._library.delete(self._native, key))
        except NotFound:
            return

    def folders(self) -> Names:
        """The names of the prefixes just below, sorted: one request for each thousand."""
        path = self.place.path

        def ask() -> Names:
            found = self._library.list_with_delimiter(self._native, path or None)
            return sorted(prefix.rstrip("/").rpartition("/")[2] for prefix in found["common_prefixes"])

        return self._ask("list", path, ask)

    def _token_of(self, key: str, problem: BucketError) -> str | None:
        try:
            return token_of(self._bucket, key, problem)
        except BucketError as same:
            _refuse(same)

    def _ask[T](self, action: str, key: str, request: Callable[[], T]) -> T:
        try:
            return self._bucket.call(action, key, request)
        except Missing as error:
            raise NotFound(error.message, where=error.where) from None
        except OutOfRange:
            raise
        except BucketError as error:
            _refuse(error)


def _first(pieces: Iterator[Buffer], most: int) -> list[Buffer]:
    """The first pieces: all of them, unless they have more than so many bytes."""
    head: list[Buffer] = []
    size = 0
    for piece in pieces:
        head.append(piece)
        size += memoryview(piece).nbytes
        if size > most:
            break
    return head


def _given_away(pieces: list[Buffer]) -> Iterator[Buffer]:
    """The pieces, none of which is kept."""
    pieces.reverse()
    while pieces:
        yield pieces.pop()


def _refuse(problem: BucketError) -> NoReturn:
    """Raise what the engine knows: the store is away, and the run can go on later; or it never will let us in."""
    kind = StoreUnavailable if problem.transient or problem.exit_code == Interrupted.exit_code else StoreRefused
    raise kind(problem.message, where=problem.where, hint=problem.hint) from None
