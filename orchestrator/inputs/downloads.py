"""Downloads ahead of the threads that compute: a few threads of this process fetch what comes next on the axis.

Guarantees: a lane takes one lock a batch, never one an item, and a thread that fetches small objects takes one for
several of them; what a lane waits for is fetched before what nobody waits for; the bytes that are fetched and not yet
done with stay within the budget, but for the batches that lanes work on. Assumes: chunks are handed out in the order of
the axis, each unit of which is one object; where that is not so (a retry, what an earlier sitting left), it is fetched
when it is asked for, and what was fetched in vain is let go.
"""

import threading
import time
from collections import deque
from collections.abc import Buffer, Callable, Sequence
from typing import Protocol

from orchestrator.host.scheduling import let_others_finish
from orchestrator.inputs.base import Entry, Piece
from orchestrator.store.bell import Bell

type Fetch = Callable[[Entry], Buffer]

_MOST_AHEAD = 4096
_STRIDE = 256
_AT_ONCE = 16
_AT_ONCE_SECONDS = 0.004
"""So much one thread takes from the queue at once: what it fetches first is handed over with the last of it."""


class Plan(Protocol):
    """What tells the entries of a stretch."""

    def pieces(self, lo: int, hi: int) -> list[Piece]:
        """The entries that [lo, hi) covers."""
        ...


class Download:
    """An object on its way, or here."""

    __slots__ = ("data", "done", "entry", "error", "group", "wanted")
    # `wanted`: nobody fetches it yet, and somebody may ask for it.

    def __init__(self, entry: Entry, done: bool) -> None:
        self.entry = entry
        self.data: Buffer | None = None
        self.error: Exception | None = None
        self.done = done
        self.wanted = True
        self.group: _Group | None = None


class _Group:
    """How many downloads a reader still waits for, and how to wake it."""

    __slots__ = ("bell", "left")

    def __init__(self, bell: Bell) -> None:
        self.bell = bell
        self.left = 0


class Downloads:
    """The threads that fetch, and what they have fetched.

    Args:
        fetch: gets one object; it may raise.
        plan: what tells what comes next; used by one thread at a time.
        budget: how many bytes to fetch ahead.
        threads: how many objects to fetch at a time.
    """

    def __init__(self, fetch: Fetch, plan: Plan | None, budget: int, threads: int) -> None:
        self.largest = max(budget // 4, 1)
        self._fetch = fetch
        self._plan = plan
        self._budget = budget
        self._threads = threads
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._ahead: dict[int, Download] = {}
        self._queue: deque[Download] = deque()
        self._active: dict[int, tuple[int, int]] = {}
        self._held = self._next = self._end = 0
        self._filling = self._closed = False
        self._known: tuple[int, list[Entry]] = 0, []
        for number in range(threads):
            threading.Thread(target=self._run, name=f"ftorch-fetch-{number}", daemon=True).start()

    def weight(self, entry: Entry) -> int:
        """What an object takes of the budget: nothing if it is too large to be fetched ahead."""
        return entry.size if entry.size <= self.largest else 0

    def enter(self, reader: int, stretch: tuple[int, int], end: int) -> None:
        """A reader begins a stretch; up to `end` everything will be asked for by some reader."""
        lo, hi = stretch
        with self._lock:
            self._active[reader] = stretch
            self._next = max(self._next, lo)
            self._end = max(self._end, end, hi)
            if 2 * self._held > self._budget or 2 * len(self._ahead) > _MOST_AHEAD:
                self._let_go(lo)
            self._work.notify()

    def take(self, bell: Bell, lo: int | None, entries: Sequence[Entry], released: int) -> list[Download]:
        """Wait for the objects of consecutive units.

        Args:
            bell: the caller's own.
            lo: where on the axis they start; None where that is not known.
            entries: what is there.
            released: how many bytes of earlier ones the caller has done with.
        """
        group = _Group(bell)
        with self._lock:
            self._held -= released
            found = [self._claimed(None if lo is None else lo + at, entry) for at, entry in enumerate(entries)]
            for download in reversed(found):
                if not download.done:
                    download.group = group
                    group.left += 1
                    # What is queued already, or being fetched, is passed over when its turn comes again.
                    self._queue.appendleft(download)
            if lo is not None:
                self._next = max(self._next, lo + len(entries))
            self._work.notify(max(1, group.left))
        while group.left:
            bell.sleep()
        return found

    def release(self, reader: int, released: int) -> None:
        """A reader is done with so many bytes, and with its stretch."""
        with self._lock:
            self._held -= released
            self._active.pop(reader, None)
            self._work.notify()

    def close(self) -> None:
        """Have the threads end; what they are fetching is not waited for."""
        with self._lock:
            self._closed = True
            self._work.notify_all()

    def _claimed(self, position: int | None, entry: Entry) -> Download:
        ahead = None if position is None else self._ahead.pop(position, None)
        if ahead is not None:
            return ahead
        self._held += self.weight(entry)
        return Download(entry, entry.size > self.largest)

    def _let_go(self, newest: int) -> None:
        """Forget what was fetched ahead and lies before the newest chunk, and in none that is being worked on."""
        active = list(self._active.values())
        for position in [at for at in self._ahead if at < newest]:
            if not any(lo <= position < hi for lo, hi in active):
                download = self._ahead.pop(position)
                download.wanted = False
                self._held -= self.weight(download.entry)

    def _run(self) -> None:
        let_others_finish()
        done: list[Download] = []
        most = 1
        while True:
            with self._lock:
                for download in done:
                    self._arrived(download)
                while not (self._closed or self._queue or self._may_fill()):
                    self._work.wait()
                if self._closed:
                    return
                fills = not self._queue
                self._filling = self._filling or fills
                done = self._taken(most)
            if fills:
                self._fill()
            if done:
                most = self._do_all(done)

    def _taken(self, most: int) -> list[Download]:
        """The next of the queue that are still wanted; several, where there are enough for all threads."""
        queue, taken = self._queue, list[Download]()
        left = max(1, min(most, len(queue) // (2 * self._threads)))
        while queue and len(taken) < left:
            download = queue.popleft()
            if download.wanted:
                download.wanted = False
                taken.append(download)
        return taken

    def _may_fill(self) -> bool:
        return (
            self._plan is not None
            and not self._filling
            and self._next < self._end
            and self._held < self._budget
            and len(self._ahead) < _MOST_AHEAD
        )

    def _fill(self) -> None:
        """Queue what comes next on the axis."""
        lo = self._next
        try:
            first, entries = self._known = self._entries_from(lo)
        except Exception:  # noqa: BLE001 - whoever asks for these entries will be told; nothing is fetched ahead any more
            self._plan = None
            first, entries = lo, []
        with self._lock:
            self._filling = False
            queued = len(self._queue)
            for position in range(max(lo, self._next), first + len(entries)):
                if self._held >= self._budget:
                    break
                entry = entries[position - first]
                download = Download(entry, entry.size > self.largest)
                self._ahead[position] = download
                self._next = position + 1
                self._held += self.weight(entry)
                if not download.done:
                    self._queue.append(download)
            self._work.notify(len(self._queue) - queued)

    def _entries_from(self, lo: int) -> tuple[int, list[Entry]]:
        """Where some entries of the plan start, and these, the one at `lo` among them: those known, if it is."""
        first, entries = self._known
        if first <= lo < first + len(entries):
            return self._known
        assert self._plan is not None
        return lo, [piece.entry for piece in self._plan.pieces(lo, min(lo + _STRIDE, self._end))]

    def _do_all(self, downloads: Sequence[Download]) -> int:
        """Fetch them; how many like these can be taken at once, so that nobody waits long for the first of them."""
        started = time.perf_counter()
        for download in downloads:
            try:
                download.data = self._fetch(download.entry)
            except Exception as error:  # noqa: BLE001 - it costs its item, and is told there
                download.error = error
        each = (time.perf_counter() - started) / len(downloads)
        return max(1, min(_AT_ONCE, int(_AT_ONCE_SECONDS / each))) if each else _AT_ONCE

    def _arrived(self, download: Download) -> None:
        """Say that a download is here, and wake the reader that has only been waiting for it."""
        download.done = True
        group = download.group
        if group is not None:
            group.left -= 1
            if not group.left:
                group.bell.ring()
