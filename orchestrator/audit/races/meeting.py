"""Has two threads meet where a race would show: before each store, call, subscript, look-up and branch of some code.

Guarantees: a thread that comes to nobody waits as long as the other may be on its way, 2 times at most in vain at one
place, and 0.06 s in vain in all, so a program that holds locks goes on; a process that the code forks is left alone.
Assumes: two threads at a time, and no other user of the tool id in this process.
"""

import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from orchestrator.audit.races.own import Own
from orchestrator.audit.races.partner import Partner
from orchestrator.audit.races.played import Met, Part
from orchestrator.audit.races.watched import Place, Watched

_TOOL = 4
_DELAY = 0.005
_IN_ALL = 0.06
_VAIN = 2
_TIMES = 2
# To leave out an instruction stops all threads, which may take a millisecond; to hear of it takes one of a thousand.
_OFTEN = 48
_RESTARTS = 1


@dataclass(slots=True)
class _Waiting:
    lane: int
    place: Place
    gate: threading.Lock = field(default_factory=threading.Lock)


class Meetings:
    """Who waits where.

    Args:
        watched: the code.
        part: how the sample is run.
        tell: called with each meeting, before the two go on.
    """

    def __init__(self, watched: Watched, part: Part, tell: Callable[[Met], None]) -> None:
        self.met: list[Met] = []
        self._watched = watched
        self._chance = part.chance
        self._delays = part.how == "turns"
        self._random = [random.Random(f"{part.seed}:{lane}") for lane in (0, 1)]
        self._tell = tell
        self._door = threading.Lock()
        self._waiting: _Waiting | None = None
        self._items: tuple[int, ...] = ()
        self._lanes: dict[int, int] = {}
        self._partners: dict[int, Partner] = {}
        self._vain = Counter[tuple[int, int]]()
        self._times = Counter[tuple[int, int, int]]()
        self._passed = Counter[tuple[int, int]]()
        self._restarts = _RESTARTS
        self._left = _IN_ALL
        self._process = os.getpid()

    def install(self, own: Own) -> None:
        """Watch the code from now on, and that of the user's own modules that will be imported."""
        monitoring = sys.monitoring
        monitoring.use_tool_id(_TOOL, "ftorch audit")
        monitoring.register_callback(_TOOL, monitoring.events.INSTRUCTION, self._arrive)
        for code in self._watched.codes:
            _watch(code)
        self._watched.watch_imports(own, _watch)

    def begin(self, items: tuple[int, ...]) -> None:
        """Some items are about to run, one a lane; to be called while none runs."""
        self._items = items
        self._lanes, self._partners = {}, {}
        if self._times and self._restarts:
            # Places that one pair has used up are there for the next; two pairs are enough for what all do often.
            self._restarts -= 1
            sys.monitoring.restart_events()
        self._times.clear()

    def enter(self, lane: int) -> None:
        """The calling thread is about to run its item."""
        self._partners[lane] = Partner()
        self._lanes[threading.get_ident()] = lane

    def leave(self) -> None:
        """The calling thread has run its item: nobody waits for it any more."""
        with self._door:
            self._items = ()
            waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.gate.release()

    def _arrive(self, code: CodeType, offset: int) -> Any:
        key = (id(code), offset)
        place = self._watched.places.get(key)
        if place is None:
            self._passed[key] += 1
            return sys.monitoring.DISABLE if self._passed[key] > _OFTEN else None
        lane = self._lanes.get(threading.get_ident())
        if lane is None or not self._items or os.getpid() != self._process:
            return None
        self._times[*key, lane] += 1
        times = self._times[*key, lane]
        if times > _OFTEN:
            return sys.monitoring.DISABLE
        if times <= _TIMES and (len(self._items) > 1 or self._delays) and self._random[lane].random() < self._chance:
            self._meet(lane, place, key)
        return None

    def _meet(self, lane: int, place: Place, key: tuple[int, int]) -> None:
        with self._door:
            other = self._waiting
            if not self._items:
                return
            if other is not None:
                self._waiting = None
                self._note(other, lane, place)
                other.gate.release()
                return
            if self._vain[key] >= _VAIN or self._left <= 0:
                return
            mine = self._waiting = _Waiting(lane, place)
            mine.gate.acquire()
        began = time.monotonic()
        came = self._wait(mine)
        with self._door:
            if not came and self._waiting is mine:
                self._waiting = None
                self._vain[key] += 1
                self._left -= time.monotonic() - began

    def _wait(self, mine: _Waiting) -> bool:
        """Wait for the other; whether it came, or there is nobody to wait for any more."""
        partner = self._partners.get(1 - mine.lane)
        if partner is None:
            # An item that runs alone is delayed as it will be when another runs beside it.
            return mine.gate.acquire(timeout=_DELAY)
        return partner.comes(lambda seconds: mine.gate.acquire(timeout=seconds))

    def _note(self, other: _Waiting, lane: int, place: Place) -> None:
        if len(self._items) == 2:
            items, lines = (self._items[other.lane], self._items[lane]), (other.place.line, place.line)
            stores = other.place.stores or place.stores
            self.met.append(Met(items, lines, stores, (other.place.file, place.file)))
            self._tell(self.met[-1])


def _watch(code: CodeType) -> None:
    sys.monitoring.set_local_events(_TOOL, code, sys.monitoring.events.INSTRUCTION)
