"""One object as a task gets it: its bytes are here already, or are read in ranges where it is large."""

import io
from collections.abc import Buffer, Callable
from typing import Any

from orchestrator.inputs.base import Entry
from orchestrator.store.places import Place

type FetchRange = Callable[[int, int | None], Buffer]

_RANGE = 8 << 20


class Object:
    """An object to work on, as it was when the run was planned.

    Attributes:
        key: its key below the input's prefix.
        size: in bytes.
        mtime_ns: when it was last modified, in nanoseconds since 1970.
        etag: what tells this version of it from others, as the service gave it; "" if it gives none.
    """

    __slots__ = ("_data", "_error", "_fetch", "_place", "etag", "key", "mtime_ns", "size")

    def __init__(self, place: Place, entry: Entry, key: str) -> None:
        self._place = place
        self.key = key
        self.size = entry.size
        self.mtime_ns = entry.mtime_ns
        self.etag = entry.etag
        self._data: Buffer | None = None
        self._error: Exception | None = None
        self._fetch: FetchRange | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return self._place.below(self.key).url

    def arrive(self, data: Buffer | None, error: Exception | None, fetch: FetchRange) -> None:
        """Take what was downloaded, or why it was not, and how to fetch more; not for tasks."""
        self._data, self._error, self._fetch = data, error, fetch

    def read_bytes(self) -> bytes:
        """All of it: at once the first time, as it is here already; fetched again for every further call.

        Raises:
            InputError: it is gone, or changed since the run was planned.
            OSError: it cannot be fetched.
        """
        data, fetch = self._data, self._fetch
        if fetch is None:
            return bytes(data or b"")
        error, self._error, self._data = self._error, None, None
        if error is not None:
            raise error
        if data is not None:
            # Copied here, by the thread that goes on with them, into memory that it used for the last object.
            return bytes(data)
        if self.size <= _RANGE:
            return bytes(fetch(0, None))
        return b"".join(fetch(at, min(_RANGE, self.size - at)) for at in range(0, self.size, _RANGE))

    def open(self) -> io.BufferedReader | io.BytesIO:
        """Open it for reading, as bytes; a large one is read a few megabytes at a time.

        Raises:
            As `read_bytes`.
        """
        fetch = self._fetch
        if self._data is not None or self._error is not None or self.size <= _RANGE or fetch is None:
            return io.BytesIO(self.read_bytes())
        return io.BufferedReader(_Ranges(fetch, self.size), _RANGE)

    def __reduce__(self) -> tuple[Any, ...]:
        data = self.read_bytes()
        self._data = data
        entry = Entry(b"", 1, 0, self.size, self.mtime_ns, etag=self.etag)
        return _of_data, (self._place, entry, self.key, data)

    def __repr__(self) -> str:
        return f"Object({self.key!r}, {self.size} bytes)"


def _of_data(place: Place, entry: Entry, key: str, data: bytes) -> Object:
    made = Object(place, entry, key)
    made._data = data  # noqa: SLF001 - another process's copy, whole
    return made


class _Ranges(io.RawIOBase):
    """A large object, read in ranges as it goes."""

    def __init__(self, fetch: FetchRange, size: int) -> None:
        self._fetch = fetch
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """The position."""
        return self._at

    def readall(self) -> bytes:
        """Read the rest, in large ranges."""
        parts: list[memoryview] = []
        while self._at < self._size:
            parts.append(memoryview(self._fetch(self._at, min(_RANGE, self._size - self._at))))
            self._at += len(parts[-1])
        return b"".join(parts)

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes, as many as the buffer takes."""
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        data = memoryview(self._fetch(self._at, wanted))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
