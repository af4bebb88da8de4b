"""What a thread notes of its own time: its counters at its start and end, and how long it waited for what we know of.

Guarantees: nothing an item, and a clock only where the thread waits anyway. Assumes: the thread alone writes; others
read after it ended, but for `place`, which they may read at any time.
"""

import time

from orchestrator.measure.threaduse import ThreadUse, between, read_thread


class LaneWatch:
    """One thread's notes.

    Attributes:
        created: when it was made (`time.perf_counter`).
        ended: when it ended, or None.
        place: its folder below /proc, once it has begun.
        output, parked, retrying: seconds it waited for its results to be taken, for leave to work, for a retry.
    """

    __slots__ = ("_began", "_use", "created", "ended", "output", "parked", "place", "retrying")

    def __init__(self) -> None:
        self.created = time.perf_counter()
        self.ended: float | None = None
        self.place: str | None = None
        self.output = self.parked = self.retrying = 0.0
        self._began: ThreadUse | None = None
        self._use: ThreadUse | None = None

    def begin(self, place: str) -> None:
        """Read the counters of a thread, which is a folder of /proc, at its start."""
        self._began = read_thread(place)
        self.place = place

    def end(self, place: str) -> None:
        """Read them at its end. A lane that had to go on in another process has used what nobody can say."""
        if self._began is not None and place == self.place:
            self._use = between(self._began, read_thread(place))
        self.ended = time.perf_counter()

    def use(self) -> ThreadUse:
        """What the thread used from its start to its end; to now, if it has not ended."""
        if self._use is not None:
            return self._use
        if self.ended is None and self._began is not None and self.place is not None:
            return between(self._began, read_thread(self.place))
        return ThreadUse((self.ended or time.perf_counter()) - self.created)
