"""Every object below a prefix as one item: `input: {objects: …}`.

Planning streams the listing, a thousand objects a request; each entry keeps the object's ETag, so that one that changed
since fails its item. Reading is :mod:`orchestrator.inputs.downloads`: a batch comes with its objects already here.
"""

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from orchestrator.inputs.base import Batch, Entry, Piece
from orchestrator.inputs.downloads import Download, Downloads, Plan
from orchestrator.inputs.fetching import Fetcher, FromBucket, FromFolder, place_of
from orchestrator.inputs.listing import Listing
from orchestrator.spec.model import ObjectsInput, Remote
from orchestrator.store.bell import Bell
from orchestrator.store.bucket import Bucket
from orchestrator.store.places import Place, parse_place

_BATCH_BYTES = 4 << 20
_BATCH = 64
_RANGE = 8 << 20


class Object:
    """An object to work on, as it was when the run was planned.

    Attributes:
        url: where it is.
        key: its key below the input's prefix.
        size: in bytes.
        mtime_ns: when it was last modified, in nanoseconds since 1970.
        etag: what tells this version of it from others, as the service gave it; "" if it gives none.
    """

    __slots__ = ("_data", "_error", "_fetch", "etag", "key", "mtime_ns", "size", "url")

    def __init__(self, url: str, entry: Entry, key: str) -> None:
        self.url = url
        self.key = key
        self.size = entry.size
        self.mtime_ns = entry.mtime_ns
        self.etag = entry.etag
        self._data: bytes | None = None
        self._error: Exception | None = None
        self._fetch: Callable[[int, int | None], bytes] | None = None

    def read_bytes(self) -> bytes:
        """All of it: at once the first time, as it is here already; fetched again for every further call.

        Raises:
            InputError: it is gone, or changed since the run was planned.
            OSError: it cannot be fetched.
        """
        data, fetch = self._data, self._fetch
        if fetch is None:
            return data or b""
        error, self._error, self._data = self._error, None, None
        if error is not None:
            raise error
        if data is not None:
            return data
        if self.size <= _RANGE:
            return fetch(0, None)
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
        return _of_data, (self.url, entry, self.key, data)

    def __repr__(self) -> str:
        return f"Object({self.key!r}, {self.size} bytes)"


def _of_data(url: str, entry: Entry, key: str, data: bytes) -> Object:
    made = Object(url, entry, key)
    made._data = data  # noqa: SLF001 - another process's copy, whole
    return made


class _Ranges(io.RawIOBase):
    """A large object, read in ranges as it goes."""

    def __init__(self, fetch: Callable[[int, int | None], bytes], size: int) -> None:
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
        parts: list[bytes] = []
        while self._at < self._size:
            parts.append(self._fetch(self._at, min(_RANGE, self._size - self._at)))
            self._at += len(parts[-1])
        return b"".join(parts)

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes, as many as the buffer takes."""
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        data = self._fetch(self._at, wanted)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class ObjectsSource:
    """The objects below a URL; `entries()` lists anew at every call.

    Raises:
        InputError: a pattern cannot be one.
        MissingExtra, MachineError: obstore or credentials are missing.
    """

    unit = "file"

    def __init__(self, spec: ObjectsInput, remote: Remote) -> None:
        self._place = parse_place(spec.url)
        self._remote = remote
        self._bucket = None if self._place.scheme == "file" else Bucket(self._place, remote)
        self._listing = Listing(self._place, self._bucket, spec)

    def entries(self) -> Iterator[Entry]:
        return self._listing.entries()

    def notes(self) -> Sequence[str]:
        return self._listing.notes()

    def reader(self) -> ObjectsReader:
        if self._bucket is None:
            fetcher: Fetcher = FromFolder(self._listing.root)
        else:
            fetcher = FromBucket(self._bucket)
        return ObjectsReader(self._place, fetcher, self._remote)


class ObjectsReader:
    """Makes the items of the pieces: small batches, each of which is downloaded when it is given."""

    def __init__(self, place: Place, fetcher: Fetcher, remote: Remote) -> None:
        # A copy for each thread, which counts references to its own.
        self._place = Place(place.scheme, place.bucket, place.path)
        self._fetcher = fetcher
        self._remote = remote
        self._plan: Plan | None = None
        self._downloads: Downloads | None = None
        self._shared_by: object = self
        self._ends: Sequence[int] = ()
        self._lo: int | None = None
        self._bell = Bell()

    def follow(self, plan: Plan, ahead: Plan, ends: Sequence[int], name: object) -> Plan:
        """Have objects downloaded ahead in the order of a plan, for all readers of this process that follow it.

        Args:
            plan: what this reader's lane asks.
            ahead: another reader of the same plan, which whoever downloads uses.
            ends: the axis positions up to which one process works in order; empty where others do part of it.
            name: what tells this plan from others.

        Returns:
            What the lane is to ask instead.
        """
        self._plan, self._ends, self._shared_by = plan, ends, name
        self._downloads = _share(name, partial(self._open, ahead))
        return self

    def pieces(self, lo: int, hi: int) -> list[Piece]:
        """The entries that [lo, hi) covers, which will be read next."""
        assert self._plan is not None
        assert self._downloads is not None
        self._lo = lo
        end = next((end for end in self._ends if end >= hi), hi)
        self._downloads.enter(id(self), (lo, hi), end)
        return self._plan.pieces(lo, hi)

    def read(self, pieces: Sequence[Piece]) -> Iterator[Batch]:
        downloads = self._downloads
        if downloads is None:
            downloads = self._downloads = _share(self, partial(self._open, None))
        lo, done = self._lo, 0
        entries = [piece.entry for piece in pieces]
        try:
            for group in _groups(entries):
                found = downloads.take(self._bell, lo, group, done)
                done = sum(map(downloads.weight, group))
                objects = [self._made(download) for download in found]
                yield Batch(objects, partial(_keys, objects), sum(entry.size for entry in group))
                lo = None if lo is None else lo + len(group)
        finally:
            downloads.release(id(self), done)
            self._lo = None

    def close(self) -> None:
        """Let go of the downloads, which end when no reader of the process is left."""
        if self._downloads is not None:
            self._downloads = None
            # The bell stays: a download that is late may still ring it. It goes with the reader.
            _leave(self._shared_by)

    def _open(self, ahead: Plan | None) -> Downloads:
        return Downloads(self._fetcher.fetch, ahead, self._remote.in_flight.bytes, self._remote.connections)

    def _made(self, download: Download) -> Object:
        entry = download.entry
        made = Object(place_of(self._place, entry), entry, entry.name.decode("utf-8", "surrogateescape"))
        made._data, made._error = download.data, download.error  # noqa: SLF001 - it is made here
        made._fetch = partial(self._fetcher.fetch, entry)  # noqa: SLF001
        download.data = None
        return made


_lock = threading.Lock()
_downloads: dict[object, tuple[Downloads, int]] = {}


def _share(name: object, make: Callable[[], Downloads]) -> Downloads:
    """The downloads of this process by that name, made for the first that asks."""
    with _lock:
        found, readers = _downloads.get(name, (None, 0))
        if found is None:
            found = make()
        _downloads[name] = (found, readers + 1)
        return found


def _leave(name: object) -> None:
    with _lock:
        found, readers = _downloads.pop(name)
        if readers > 1:
            _downloads[name] = (found, readers - 1)
            return
    found.close()


def _groups(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Consecutive entries in batches of so many, and of so many bytes where that is more than one."""
    group: list[Entry] = []
    size = 0
    for entry in entries:
        if group and (len(group) >= _BATCH or size + entry.size > _BATCH_BYTES):
            yield group
            group, size = [], 0
        group.append(entry)
        size += entry.size
    if group:
        yield group


def _keys(objects: Sequence[Object]) -> list[str]:
    return [found.key for found in objects]
