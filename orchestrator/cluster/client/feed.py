"""Watches that do not end: what the cluster tells of a Job and of its pods, in one queue.

Guarantees: each watch delivers every change, or, where the API server has forgotten some (410) or the connection was
cut, all that there is now as one list; a state is never older than one before it. Its memory is that of 256
events. A watch that is cut is taken up where it was, after a wait that doubles up to 30 s, for as long as it
takes: the Job goes on meanwhile. What cannot pass (no permission) ends the feed with that error.

Assumes one reader. Each watch has a thread; all threads end soon after `close`.
"""

import threading
from collections.abc import Callable
from queue import Empty, Full, Queue
from typing import Literal

import msgspec
from msgspec import Struct

from orchestrator.cluster.client.api import Api, Query, Unreachable
from orchestrator.cluster.client.refusals import Gone
from orchestrator.cluster.objects import Event, Marked, Status, decode

_AT_MOST = 256
_SECONDS = 240
_LONGEST_PAUSE = 30.0
_GONE = 410

type Kind = Literal["job", "pod"]


class Changed(Struct, frozen=True):
    """An object is new or different."""

    kind: Kind
    object: msgspec.Raw


class Deleted(Struct, frozen=True):
    """An object is no more; this was its last state."""

    kind: Kind
    object: msgspec.Raw


class Listed(Struct, frozen=True):
    """All objects that there are; others are no more."""

    kind: Kind
    objects: list[msgspec.Raw]


class Opened(Struct, frozen=True):
    """The watch is at work, or again."""

    kind: Kind


class Cut(Struct, frozen=True):
    """The watch was cut, and is taken up again."""

    kind: Kind
    reason: str


class Ended(Struct, frozen=True):
    """The watch cannot go on."""

    error: Exception


type News = Changed | Deleted | Listed | Opened | Cut | Ended


class Feed:
    """The watches of a run."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._news: Queue[News] = Queue(_AT_MOST)
        self._stop = threading.Event()

    def watch(self, kind: Kind, path: str, query: Query, *, listed: bool = True) -> None:
        """Begin to watch the objects that a query selects.

        Args:
            kind: what they are.
            path: where they are.
            query: which of them.
            listed: begin with a list of those that are there; not needed where none can be.
        """
        watch = _Watch(self._api, kind, path, query)
        watch.version = None if listed else ""
        threading.Thread(target=self._run, args=(watch,), name=f"watch-{kind}", daemon=True).start()

    def next(self, seconds: float) -> News | None:
        """The next news, or None if none came in that time.

        Raises:
            FtorchError: a watch cannot go on.
        """
        try:
            news = self._news.get(timeout=seconds)
        except Empty:
            return None
        if isinstance(news, Ended):
            raise news.error
        return news

    def close(self) -> None:
        """End the watches, without waiting for them."""
        self._stop.set()

    def _run(self, watch: _Watch) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            try:
                watch.read(self._put)
                pause = 0.0
            except Closed:
                return
            except Unreachable as error:
                pause = 0.0 if watch.progressed else min(_LONGEST_PAUSE, max(0.25, pause * 2))
                if not self._offer(Cut(watch.kind, error.message)):
                    return
            except Exception as error:  # noqa: BLE001 - raised where the feed is read
                self._offer(Ended(error))
                return

    def _put(self, news: News) -> None:
        if not self._offer(news):
            raise Closed

    def _offer(self, news: News) -> bool:
        while not self._stop.is_set():
            try:
                self._news.put(news, timeout=0.5)
            except Full:
                continue
            return True
        return False


class Closed(Exception):
    """Nobody wants news any more."""


class _Watch:
    """One watch, and where it is."""

    def __init__(self, api: Api, kind: Kind, path: str, query: Query) -> None:
        self.kind: Kind = kind
        self.progressed = False
        self._api = api
        self._path = path
        self._query = query
        self.version: str | None = None

    def read(self, put: Callable[[News], None]) -> None:
        """Read until the API server ends the watch, as it does every few minutes.

        Raises:
            Unreachable: it was cut.
            FtorchError: it is refused.
        """
        self.progressed = False
        try:
            if self.version is None:
                self._list(put)
            self._follow(put)
        except Gone:
            self.version = None
        except Unreachable:
            # Without a version, what came is no place to go on from: the first events are in no order.
            self.version = self.version or None
            raise

    def _list(self, put: Callable[[News], None]) -> None:
        objects, self.version = self._api.list(self._path, self._query)
        put(Listed(self.kind, objects))

    def _follow(self, put: Callable[[News], None]) -> None:
        query = {**self._query, "watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(_SECONDS)}
        if self.version:
            query["resourceVersion"] = self.version
        with self._api.stream(self._path, query, _SECONDS + 30.0) as lines:
            put(Opened(self.kind))
            for line in filter(bytes.strip, lines):
                self._take(decode(line, Event), put)

    def _take(self, event: Event, put: Callable[[News], None]) -> None:
        if event.type == "ERROR":
            status = decode(event.object, Status)
            if status.code == _GONE:
                raise Gone(status.message or "too old")
            raise Unreachable(status.message or "the watch failed", where=self._api.server)
        version = decode(event.object, Marked).metadata.resource_version
        if event.type == "DELETED":
            put(Deleted(self.kind, event.object))
        elif event.type != "BOOKMARK":
            put(Changed(self.kind, event.object))
        self.version = version
        self.progressed = True
