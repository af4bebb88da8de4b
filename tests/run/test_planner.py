"""Who of many processes plans a run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise

import msgspec
import pytest

from orchestrator.inputs.base import Entry
from orchestrator.run.plan import PlanIndex, PlanReader, read_index, write_plan
from orchestrator.run.planner import Planner, Planning, Waiting, find_index, plan_or_wait
from orchestrator.store.base import Store
from orchestrator.store.memory import MemoryStore
from tests.engine.shared_run import Interposed
from tests.run.planning import Listed, axis_of, spread

ENTRIES = [Entry(b"%d" % number, 3, 0, 3) for number in range(7)]


class Time:
    """A clock that moves when somebody waits, and what happens then."""

    def __init__(self, *happens: object) -> None:
        self.now = 0.0
        self.waited = 0
        self._happens = list(happens)

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.waited += 1
        if self._happens:
            self._happens.pop(0)()
        assert self.waited < 1000

    @property
    def waiting(self) -> Waiting:
        return Waiting(self.pause, self.clock)


def make(store: Store, turn: Planning, shards: int = 2) -> PlanIndex:
    """Plan, at one's turn."""
    source = Listed("byte", ENTRIES)
    return write_plan(store, source, turn.telling(source.entries()), shards, lambda: None)


def take(store: Store) -> Planning:
    """One's turn, at once."""
    found = plan_or_wait(store, Time().waiting)
    assert isinstance(found, Planning)
    return found


def another(store: Store, planner: Planner, number: int = 0) -> None:
    """Have another process plan."""
    store.put(f"plan/planners/{number:06d}", [msgspec.json.encode(planner)])


def test_one_plans_and_the_others_wait_for_it() -> None:
    """The first to come plans; who comes while it lives waits, and gets its plan."""
    store = MemoryStore()
    turn = take(store)
    time = Time(lambda: None, lambda: make(store, turn))
    found = plan_or_wait(store, time.waiting)
    assert found == read_index(store)
    assert time.waited == 2
    assert plan_or_wait(store, Time().waiting) == found


def test_a_planner_that_gave_up_is_not_waited_for() -> None:
    """The next one takes its turn at once."""
    store = MemoryStore()
    take(store).give_up()
    assert take(store).number == 1


def test_a_planner_that_died_here_is_not_waited_for() -> None:
    """A process of this host that is no more does not plan."""
    store = MemoryStore()
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    another(store, Planner(os.uname().nodename, process.pid, 7))
    assert take(store).number == 1


def test_a_planner_elsewhere_lives_as_long_as_it_tells() -> None:
    """One on another host is waited for while what it tells changes, and no longer than the patience after that."""
    store = MemoryStore()
    told = [Planner("elsewhere", 1, 1, entries=number * 100, beat=number) for number in range(30)]
    another(store, told[0])
    time = Time(*(lambda planner=planner: another(store, planner) for planner in told))
    heard: list[int] = []
    found = plan_or_wait(store, Waiting(time.pause, time.clock, heard.append, patience=60.0))
    assert isinstance(found, Planning)
    assert found.number == 1
    assert heard[-1] == 2900
    assert time.waited > 30


def test_those_who_lose_patience_together_do_not_all_plan() -> None:
    """Of two that find a planner gone one takes the turn, and the other waits for that one."""
    store = MemoryStore()
    mine: list[Planning | PlanIndex] = []
    another(store, Planner("elsewhere", 1, 1))

    def takes_over() -> None:
        mine.append(take(store))

    def makes_it() -> None:
        assert isinstance(mine[0], Planning)
        make(store, mine[0])

    another(store, Planner("elsewhere", 1, 1, beat=-1))
    time = Time(lambda: None, makes_it)
    takes_over()
    assert plan_or_wait(store, time.waiting) == read_index(store)
    assert time.waited == 2


@pytest.mark.parametrize("content", [b"", b"{", b"{}"])
def test_a_planner_that_cannot_be_read_is_nobody(content: bytes) -> None:
    """What is damaged is not waited for."""
    store = MemoryStore()
    store.put("plan/planners/000000", [content])
    assert take(store).number == 1


def test_telling_changes_what_is_told_now_and_then() -> None:
    """A long plan is told of with the entries found so far; a short one is not, and the entries are the same."""
    store, time = MemoryStore(), Time()
    turn = take(store)

    def slow() -> Iterator[Entry]:
        for number in range(5000):
            time.now += 0.002
            yield Entry(b"%d" % number, 1)

    assert sum(1 for _ in turn.telling(slow(), time.clock)) == 5000
    planner = msgspec.json.decode(store.get("plan/planners/000000"), type=Planner)
    assert (planner.beat, planner.entries) == (1, 3072)


def test_two_may_plan_at_once_anywhere() -> None:
    """Whenever a second process makes the plan while the first does, both go by one plan, whose parts are all there."""
    for number in range(1, 50):
        store = MemoryStore()
        turn = take(store)
        turn.give_up()
        other: list[PlanIndex] = []
        between = Interposed(store, number, lambda store=store, other=other: other.append(make(store, take(store))))
        index = make(between, turn)
        assert index == find_index(store)
        if not between.happened:
            return
        assert other == [index]
        reader = PlanReader(store, index)
        found = [unit for lo, hi in pairwise(index.shards) for unit in spread(reader.pieces(lo, hi))]
        assert found == axis_of(ENTRIES)
    raise AssertionError("it asks the store too much")
