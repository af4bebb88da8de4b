"""Every object below a prefix as one item: `input: {objects: …}`.

Planning streams the listing, a thousand objects a request; each entry keeps the object's ETag, so that one that changed
since fails its item. Reading is :mod:`orchestrator.inputs.downloads`: a batch comes with its objects already here.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from orchestrator.host.allocator import keep_freed_memory
from orchestrator.inputs.base import Batch, Entry, Piece
from orchestrator.inputs.downloads import Download, Downloads, Plan
from orchestrator.inputs.fetching import Fetcher, FromBucket, FromFolder
from orchestrator.inputs.listing import Listing
from orchestrator.inputs.object import Object
from orchestrator.spec.model import ObjectsInput, Remote
from orchestrator.store.bell import Bell
from orchestrator.store.bucket import Bucket
from orchestrator.store.places import Place, parse_place

_BATCH_BYTES = 4 << 20
_BATCH = 64


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
        keep_freed_memory()
        return Downloads(self._fetcher.fetch, ahead, self._remote.in_flight.bytes, self._remote.connections)

    def _made(self, download: Download) -> Object:
        entry = download.entry
        made = Object(self._place, entry, entry.name.decode("utf-8", "surrogateescape"))
        made.arrive(download.data, download.error, partial(self._fetcher.fetch, entry))
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
