"""Looks at the lanes' threads now and then: what each does, and where in the Python code that is.

Guarantees: it costs about a hundredth of one CPU's time at most, however many threads there are. Assumes: the worker's
main thread calls it, between two commits.
"""

import time
from collections import Counter
from collections.abc import Iterable

from orchestrator.engine import board
from orchestrator.engine.hotlines import HotLines
from orchestrator.measure.looks import RUNNING, Looks, is_lock
from orchestrator.measure.threaduse import read_call

_SOON = 0.05
_LATER = 0.2
_SOON_LOOKS = 200
_COST = 100
_STACKS_SOON = 0.2
_STACKS_LATER = 1.0
_FIRST_STACKS = 8
_MOST_STACKS = 100
_MANY_LOCKED = 0.25

type Seen = tuple[str, memoryview[int]]
"""A thread: its folder below /proc, and its board line."""


class Looker:
    """Counts what it sees.

    Attributes:
        interval: seconds to the next look.
    """

    def __init__(self, stacks: bool) -> None:
        self.interval = _SOON
        self.hot = HotLines()
        self._stacks = stacks
        self._next_stacks = 0.0
        self._stacks_seen = 0
        self._looks = 0
        self._kinds: Counter[str] = Counter()
        self._calls: Counter[str] = Counter()

    def look(self, lanes: Iterable[Seen]) -> None:
        """Look at the lanes that are at work."""
        started = time.thread_time()
        seen: list[tuple[str, str]] = []
        for place, line in lanes:
            call = read_call(place) if line[board.STATE] == board.RUNNING else None
            if call is None or line[board.STATE] != board.RUNNING:
                continue
            kind = _kind(call, line)
            self._kinds[kind] += 1
            if kind in (RUNNING, "lock"):
                seen.append((place, kind))
            else:
                self._calls[call] += 1
        self._looks += 1
        cost = time.thread_time() - started
        self.interval = max(_SOON if self._looks < _SOON_LOOKS else _LATER, _COST * cost)
        if self._stacks and seen and self.hot.available:
            self._look_at_stacks(seen, time.perf_counter())

    def looks(self) -> Looks:
        """What was seen so far."""
        kinds = self._kinds
        return Looks(kinds[RUNNING], kinds["lock"], kinds["waiting"], kinds["reading"], dict(self._calls))

    def _look_at_stacks(self, seen: list[tuple[str, str]], now: float) -> None:
        """Often while many wait for a lock, else seldom; and not for ever."""
        if now < self._next_stacks or self._stacks_seen >= _MOST_STACKS:
            return
        stacks = self.hot.read()
        # A lock that was got meanwhile would be blamed on the line after it.
        still = (item for item in seen if item[1] == RUNNING or is_lock(read_call(item[0]) or ""))
        self.hot.note(stacks, {int(place.rpartition("/")[2]): kind for place, kind in still})
        self._stacks_seen += 1
        often = self._stacks_seen < _FIRST_STACKS or self._kinds["lock"] > _MANY_LOCKED * self._kinds.total()
        self._next_stacks = now + (_STACKS_SOON if often else _STACKS_LATER)


def _kind(call: str, line: memoryview[int]) -> str:
    if call == RUNNING:
        return RUNNING
    if is_lock(call):
        return "lock"
    return "reading" if line[board.ITEM] == board.NO_ITEM else "waiting"
