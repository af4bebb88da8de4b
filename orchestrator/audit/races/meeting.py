"""Has two threads meet where a race would show: before each store, call, subscript, look-up and branch of some code.

Guarantees: a thread waits for the other for 5 ms at most, 2 times at most in vain at one place, and 0.15 s in all, so a
program that holds locks goes on; a process that the code forks is left alone. Assumes: two threads at a time, and no
other user of the tool id in this process.
"""

import dis
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, NamedTuple

from orchestrator.audit.races.played import Met

_TOOL = 4
_PATIENCE = 0.005
_IN_ALL = 0.15
_VAIN = 2
_TIMES = 2
_OFTEN = 64
_STORES = ("STORE_GLOBAL", "STORE_NAME", "STORE_ATTR", "STORE_SUBSCR", "STORE_SLICE", "STORE_DEREF", "DELETE_", "CALL")
_LOOKS = ("BINARY_SLICE", "CONTAINS_OP", "POP_JUMP_", "FOR_ITER", "YIELD_VALUE")
_NO_PLACES = ("CALL_INTRINSIC", "DELETE_FAST")


class _Place(NamedTuple):
    line: int
    stores: bool
    file: int


@dataclass(slots=True)
class _Waiting:
    lane: int
    place: _Place
    gate: threading.Lock = field(default_factory=threading.Lock)


class Meetings:
    """The places of some code, and who waits there.

    Args:
        codes: the code, without what is nested in it, and the number of its file.
        chance: how often a thread stops at a place.
        seed: of that chance.
        tell: called with each meeting, before the two go on.
    """

    def __init__(
        self, codes: Iterable[tuple[CodeType, int]], chance: float, seed: int, tell: Callable[[Met], None]
    ) -> None:
        self.met: list[Met] = []
        numbered = [*codes]
        self._codes = [code for code, _ in numbered]
        self._places = {(id(code), offset): place for code, file in numbered for offset, place in _places(code, file)}
        self._chance = chance
        self._random = [random.Random(f"{seed}:{lane}") for lane in (0, 1)]
        self._tell = tell
        self._door = threading.Lock()
        self._waiting: _Waiting | None = None
        self._items: tuple[int, ...] = ()
        self._lanes: dict[int, int] = {}
        self._vain = Counter[tuple[int, int]]()
        self._times = Counter[tuple[int, int, int]]()
        self._left = _IN_ALL
        self._process = os.getpid()

    def install(self) -> None:
        """Watch the code from now on."""
        monitoring = sys.monitoring
        monitoring.use_tool_id(_TOOL, "ftorch audit")
        monitoring.register_callback(_TOOL, monitoring.events.INSTRUCTION, self._arrive)
        for code in self._codes:
            monitoring.set_local_events(_TOOL, code, monitoring.events.INSTRUCTION)

    def begin(self, items: tuple[int, ...]) -> None:
        """Some items are about to run, one a lane; to be called while none runs."""
        self._items = items
        self._lanes = {}
        self._times.clear()
        sys.monitoring.restart_events()

    def enter(self, lane: int) -> None:
        """The calling thread is about to run its item."""
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
        place = self._places.get(key)
        if place is None:
            return sys.monitoring.DISABLE
        lane = self._lanes.get(threading.get_ident())
        if lane is None or not self._items or os.getpid() != self._process:
            return None
        self._times[*key, lane] += 1
        times = self._times[*key, lane]
        if times > _OFTEN:
            return sys.monitoring.DISABLE
        if times <= _TIMES and (self._chance == 1 or self._random[lane].random() < self._chance):
            self._meet(lane, place, key)
        return None

    def _meet(self, lane: int, place: _Place, key: tuple[int, int]) -> None:
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
        came = mine.gate.acquire(timeout=_PATIENCE)
        with self._door:
            self._left -= time.monotonic() - began
            if not came and self._waiting is mine:
                self._waiting = None
                self._vain[key] += 1

    def _note(self, other: _Waiting, lane: int, place: _Place) -> None:
        if len(self._items) == 2:
            items, lines = (self._items[other.lane], self._items[lane]), (other.place.line, place.line)
            stores = other.place.stores or place.stores
            self.met.append(Met(items, lines, stores, (other.place.file, place.file)))
            self._tell(self.met[-1])


def _places(code: CodeType, file: int) -> Iterator[tuple[int, _Place]]:
    for one in dis.get_instructions(code):
        stores = one.opname.startswith(_STORES)
        looks = one.opname.startswith(_LOOKS) or (one.opname == "BINARY_OP" and one.argrepr == "[]")
        if (stores or looks) and not one.opname.startswith(_NO_PLACES):
            yield one.start_offset, _Place(one.line_number or code.co_firstlineno, stores, file)
