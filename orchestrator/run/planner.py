"""Who of many processes plans a run: one of them; when that one is gone, another.

Guarantees: a plan comes about as long as any process lives. Two may plan at once, each writing parts of its own; the
plan's create-only index decides between them. Assumes nothing of clocks on different machines: a planner lives as
long as what it tells of itself keeps changing, seen from here.
"""

import os
import time
from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct

from orchestrator.host.processes import started
from orchestrator.inputs.base import Entry
from orchestrator.run.plan import PlanIndex, read_index
from orchestrator.store.base import NotFound, Store

_FOLDER = "plan/planners/"
_BEAT_SECONDS = 5.0
_LOOK_EVERY = 1024
PATIENCE = 60.0
_SHORTEST, _LONGEST = 0.05, 5.0


class Planner(Struct, frozen=True):
    """Who plans, and how far it is.

    Attributes:
        entries: of the input, found so far.
        beat: how often this was told; -1 once it gave up.
        started: when the process started, as its host counts.
    """

    host: str
    pid: int
    started: int
    entries: int = 0
    beat: int = 0


class Planning:
    """A process's turn to plan.

    Attributes:
        number: which turn it is; the next process to take over takes the next number.
    """

    def __init__(self, store: Store, number: int, me: Planner) -> None:
        self.number = number
        self._store = store
        self._me = me

    def telling(self, entries: Iterator[Entry], clock: Callable[[], float] = time.monotonic) -> Iterator[Entry]:
        """The same entries, telling now and then that this process lives."""
        due = clock() + _BEAT_SECONDS
        for count, entry in enumerate(entries, 1):
            if count % _LOOK_EVERY == 0 and clock() >= due:
                self._tell(count, self._me.beat + 1)
                due = clock() + _BEAT_SECONDS
            yield entry

    def give_up(self) -> None:
        """Tell the others not to wait for this process."""
        self._tell(self._me.entries, -1)

    def _tell(self, entries: int, beat: int) -> None:
        self._me = msgspec.structs.replace(self._me, entries=entries, beat=beat)
        self._store.put(_name(self.number), [msgspec.json.encode(self._me)])


class Waiting(Struct, frozen=True):
    """How to wait: what passes the time, what tells it, who is told of entries found, and how long to be patient."""

    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    told: Callable[[int], None] = lambda _: None
    patience: float = PATIENCE


def plan_or_wait(store: Store, waiting: Waiting) -> PlanIndex | Planning:
    """The run's plan, once another process has made it; or this process's turn to make it.

    Raises:
        RunDamaged: the plan's index cannot be read.
        StoreUnavailable: the store cannot be read or written.
    """
    pause, seen, since = _SHORTEST, None, waiting.clock()
    while True:
        index = find_index(store)
        if index is not None:
            return index
        number, planner = _newest(store)
        if (number, planner) != seen:
            seen, since = (number, planner), waiting.clock()
        if planner is None or _is_gone(planner) or waiting.clock() - since > waiting.patience:
            turn = _take_turn(store, number + 1)
            if turn is not None:
                return turn
            continue
        waiting.told(planner.entries)
        waiting.pause(pause)
        pause = min(pause * 1.5, _LONGEST)


def find_index(store: Store) -> PlanIndex | None:
    """The index of the run's plan, if it has one.

    Raises:
        RunDamaged: it is not one.
    """
    try:
        return read_index(store)
    except NotFound:
        return None


def _take_turn(store: Store, number: int) -> Planning | None:
    me = Planner(os.uname().nodename, os.getpid(), started(os.getpid()))
    return Planning(store, number, me) if store.create(_name(number), [msgspec.json.encode(me)]) else None


def _newest(store: Store) -> tuple[int, Planner | None]:
    """The newest turn, and whose it is; (-1, None) where nobody has begun."""
    numbers = [int(name.removeprefix(_FOLDER)) for name in store.list(_FOLDER) if name[len(_FOLDER) :].isdecimal()]
    if not numbers:
        return -1, None
    number = max(numbers)
    try:
        return number, msgspec.json.decode(store.get(_name(number)), type=Planner)
    except msgspec.MsgspecError, NotFound:
        return number, None


def _is_gone(planner: Planner) -> bool:
    if planner.beat < 0:
        return True
    return planner.host == os.uname().nodename and started(planner.pid) != planner.started


def _name(number: int) -> str:
    return f"{_FOLDER}{number:06d}"
