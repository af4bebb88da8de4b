"""An item's time is over just when the item ends: the exception arrives at the worst moments."""

import ctypes
import functools
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.engine import board
from orchestrator.engine.dispenser import Chunk
from orchestrator.engine.expiry import ItemTimeout
from orchestrator.engine.outcome import Outcome
from tests.engine.parts import Bench, Script, bench, places, records, tries

pytestmark = pytest.mark.races

_raise_later = ctypes.PyDLL(None).PyThreadState_SetAsyncExc
_raise_later.argtypes = [ctypes.c_ulong, ctypes.py_object]


def trigger() -> Any:
    """An object x for which `-x` has ItemTimeout raised in this thread once the caller's function has returned.

    The interpreter looks for such exceptions after calls and at jumps backwards; a slot that C code fills is neither.
    """

    class Trigger:
        __neg__ = staticmethod(functools.partial(_raise_later, threading.get_ident(), ItemTimeout))

    return Trigger()


def doubled(*numbers: int) -> list[tuple[str, int]]:
    """The records of these items."""
    return [(f"k{number}", 2 * number) for number in numbers]


@pytest.mark.parametrize("late", [0, 2, 4, 5])
def test_a_timeout_that_comes_behind_its_item(tmp_path, late):
    """An exception between one item's result and the next item loses no result, and moves none to another item."""
    armed, calls = trigger(), Counter()

    def call(value: int) -> int:
        calls[value] += 1
        if value == late and calls[value] == 1:
            _ = -armed
        return 2 * value

    outcome = bench(tmp_path, Script(places(6), batch=6), call, retry=tries(3)).settled(Chunk(0, 6))
    assert records(outcome.token) == doubled(*range(6))
    assert (outcome.items, outcome.failures) == (6, [])


@pytest.mark.parametrize("late", [0, 2, 3, 5])
def test_a_timeout_that_comes_behind_a_batch(tmp_path, late):
    """The same for a batch task, whose list of results is not taken twice."""
    armed, fired = trigger(), []

    def call(values: list[int]) -> list[int]:
        answer = [2 * value for value in values]
        if late in values and not fired:
            fired.append(late)
            _ = -armed
        return answer

    made = bench(tmp_path, Script(places(6), batch=6), call, batch=3, retry=tries(3))
    outcome = made.settled(Chunk(0, 6))
    assert records(outcome.token) == doubled(*range(6))
    assert (outcome.items, outcome.failures) == (6, [])


def in_thread(make: Callable[[], Bench], chunk: Chunk) -> tuple[Bench, Callable[[], Outcome]]:
    """Do a chunk in a thread of its own; gives the bench, and what waits for the outcome."""
    ready, found, made = threading.Event(), [], []

    def work() -> None:
        made.append(make())
        ready.set()
        found.append(made[0].settled(chunk))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    ready.wait()

    def outcome() -> Outcome:
        thread.join(60)
        assert not thread.is_alive(), "the lane hangs"
        return found[0]

    return made[0], outcome


class Stuck:
    """A task, plain or batch, that loops in Python code at item 2 until it is ended; the second time it does not."""

    def __init__(self, always: bool) -> None:
        self.there = threading.Event()
        self.calls = 0
        self.always = always

    def plain(self, value: int) -> int:
        if value == 2:
            self.calls += 1
            while self.always or self.calls == 1:
                self.there.set()
        return 2 * value

    def batch(self, values: list[int]) -> list[int]:
        return [self.plain(value) for value in values]


def test_an_item_that_never_ends_is_ended(tmp_path):
    """It alone fails, as a Timeout that shows where it was, and is not tried again."""
    task = Stuck(always=True)
    made, outcome = in_thread(lambda: bench(tmp_path, Script(places(5)), task.plain, retry=tries(3)), Chunk(0, 5))
    task.there.wait()
    assert made.lane.expire(0, 2)
    settled = outcome()
    assert records(settled.token) == doubled(0, 1, 3, 4)
    [failed] = settled.failures
    assert (failed.detail.key, failed.detail.type) == ("k2", "Timeout")
    assert "in plain" in failed.detail.traceback
    assert task.calls == 1


def test_a_batch_that_is_ended_is_tried_item_by_item(tmp_path):
    """Ending a list of items that takes too long does not make the lane wait for a second exception."""
    task = Stuck(always=False)
    made, outcome = in_thread(
        lambda: bench(tmp_path, Script(places(6), batch=6), task.batch, batch=3, retry=tries(3)), Chunk(0, 6)
    )
    task.there.wait()
    assert made.lane.expire(0, 0)
    settled = outcome()
    assert records(settled.token) == doubled(*range(6))
    assert settled.failures == []


def test_an_item_that_has_ended_is_left_alone(tmp_path):
    """Where the lane is past the item by then, nothing is raised in it."""
    task = Stuck(always=True)
    made, outcome = in_thread(lambda: bench(tmp_path, Script(places(5)), task.plain), Chunk(0, 5))
    task.there.wait()
    assert not made.lane.expire(0, 1)
    assert not made.lane.expire(1, 2)
    assert made.board.read().lines[0].item == 2
    assert made.lane.expire(0, 2)
    assert [failed.detail.key for failed in outcome().failures] == ["k2"]


def test_a_task_that_swallows_its_timeout(tmp_path):
    """A task that catches everything ends as any other; nobody waits for an exception that came and went."""
    there, calls = threading.Event(), []

    def call(value: int) -> int:
        calls.append(value)
        try:
            while value == 2:
                there.set()
        except BaseException:  # noqa: BLE001
            return -1
        return 2 * value

    made, outcome = in_thread(lambda: bench(tmp_path, Script(places(5)), call, retry=tries(3)), Chunk(0, 5))
    there.wait()
    assert made.lane.expire(0, 2)
    assert records(outcome().token) == [*doubled(0, 1), ("k2", -1), *doubled(3, 4)]
    assert calls == list(range(5))


def test_two_items_of_a_batch_are_ended(tmp_path):
    """Each item whose time is over fails as a timeout, however many the same batch has."""
    there = [threading.Event() for _ in range(6)]

    def call(value: int) -> int:
        while value in (1, 4):
            there[value].set()
        return 2 * value

    made, outcome = in_thread(lambda: bench(tmp_path, Script(places(6), batch=6), call), Chunk(0, 6))
    for item in (1, 4):
        there[item].wait()
        assert made.lane.expire(0, item)
    failures = outcome().failures
    assert [(failed.detail.key, failed.detail.type) for failed in failures] == [("k1", "Timeout"), ("k4", "Timeout")]


def test_items_are_ended_at_any_moment(tmp_path):
    """However the exceptions fall between quick items, every item ends with its own result or as a timeout, once."""
    count = 4000

    def call(value: int) -> int:
        return 2 * value

    source = Script(places(count), batch=64)
    made, outcome = in_thread(lambda: bench(tmp_path, source, call, retry=tries(50)), Chunk(0, count))
    last = board.NO_ITEM
    while not (line := made.board.read().lines[0]).chunks:
        # As the supervisor does: only an item that runs is told to end, and only once.
        running = line.state == board.RUNNING and line.item not in (board.NO_ITEM, last)
        if running and made.lane.expire(0, line.item):
            last = line.item
    settled = outcome()
    failed = {failed.detail.key for failed in settled.failures}
    assert {failed.detail.type for failed in settled.failures} <= {"Timeout"}
    assert records(settled.token) == [record for record in doubled(*range(count)) if record[0] not in failed]
    assert settled.items == count
