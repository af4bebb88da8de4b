"""The worker's threads: who works, who waits, and how they end."""

import contextvars
import decimal
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.engine import board
from orchestrator.engine.board import Board
from orchestrator.engine.dispenser import Dispenser
from orchestrator.engine.lane import Calling, Lane
from orchestrator.engine.outcome import Outcome
from orchestrator.engine.pool import Pool
from orchestrator.errors import GilRefused, TaskError
from tests.engine.parts import Script, encoder_sink, places, plan_of, records, tries

PATIENCE = 60


class Crew:
    """A pool of real lanes over single-item chunks, and what it delivered."""

    def __init__(
        self,
        folder: Path,
        call: Callable[[int], Any],
        *,
        items: int = 20,
        threads: int = 2,
        make: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.outcomes: list[Outcome] = []
        self.ended = threading.Event()
        self.board = Board.create(folder / "board", threads)
        # Whole entries of one item each: with unit "file" and a size, no chunk has more than one.
        source = Script(places(items), unit="file", whole=[1] * items)
        reader = plan_of(source)

        def make_lane(index: int) -> Lane:
            make(index)
            calling = Calling(call, None, tries(1))
            return Lane(plan_of(source), source.reader(), calling, encoder_sink(), self.board.line(index))

        dispenser = Dispenser(reader, [(0, items)], [], items)
        self.pool = Pool(make_lane, dispenser, self.outcomes.append, self.ended.set, self.board.line)

    def finish(self) -> None:
        """Wait until every thread has ended."""
        assert self.pool.join(PATIENCE)

    @property
    def keys(self) -> list[str]:
        """The keys of the items that were delivered, sorted."""
        return sorted((key for found in self.outcomes for key, _ in records(found.token)), key=lambda key: int(key[1:]))

    def until_parked(self, thread: int) -> None:
        """Wait until a thread says that it is parked."""
        while self.board.read().lines[thread].state != board.PARKED:
            os.sched_yield()


def all_keys(items: int) -> list[str]:
    """The keys of all items."""
    return [f"k{item}" for item in range(items)]


class Gates:
    """A task that lets each thread do an item only when it is told to, and tells when one has arrived."""

    def __init__(self) -> None:
        self.go = {f"ftorch-{index}": threading.Semaphore(0) for index in range(4)}
        self.came = {f"ftorch-{index}": threading.Semaphore(0) for index in range(4)}

    def __call__(self, value: int) -> int:
        name = threading.current_thread().name
        self.came[name].release()
        assert self.go[name].acquire(timeout=PATIENCE)
        return value

    def arrived(self, thread: int) -> None:
        """Wait until a thread is in an item."""
        assert self.came[f"ftorch-{thread}"].acquire(timeout=PATIENCE)

    def let(self, thread: int, items: int = 1000) -> None:
        """Let a thread go on."""
        self.go[f"ftorch-{thread}"].release(items)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_item_is_delivered_once(tmp_path, threads):
    """However many threads there are, the outcomes together hold each item once; all threads leave a record."""
    crew = Crew(tmp_path, lambda value: value, items=100, threads=threads)
    crew.pool.allow(threads)
    crew.finish()
    assert crew.keys == all_keys(100)
    assert (crew.pool.error, crew.pool.ended, crew.ended.is_set()) == (None, True, True)
    assert [record.index for record in crew.pool.records] == list(range(threads))
    assert sum(record.pace.items for record in crew.pool.records) == 100
    assert {line.state for line in crew.board.read().lines} == {board.ENDED}


def test_threads_work_at_the_same_time(tmp_path):
    """Two threads are in an item at the same moment."""
    together = threading.Barrier(2, timeout=PATIENCE)
    first = threading.local()

    def call(value: int) -> int:
        if not getattr(first, "met", False):
            first.met = True
            together.wait()
        return value

    crew = Crew(tmp_path, call)
    crew.pool.allow(2)
    crew.finish()
    assert crew.pool.error is None
    assert crew.keys == all_keys(20)


def test_an_error_that_is_no_items_ends_the_pool(tmp_path):
    """What is nobody's item's failure is kept for the main thread; the other threads end after their chunk."""
    gates = Gates()

    def call(value: int) -> int:
        gates(value)
        if threading.current_thread().name == "ftorch-1":
            raise GilRefused("mine")
        return value

    crew = Crew(tmp_path, call)
    crew.pool.allow(2)
    gates.arrived(0)
    gates.arrived(1)
    gates.let(1)
    crew.pool.stop.wait(PATIENCE)
    gates.let(0)
    crew.finish()
    assert isinstance(crew.pool.error, GilRefused)
    assert len(crew.keys) == 1


def test_a_lane_that_cannot_be_made_ends_the_pool(tmp_path):
    """A thread state that raises is told, and nobody goes on."""

    def make(index: int) -> None:
        if index == 1:
            raise TaskError("no state")

    gates = Gates()
    crew = Crew(tmp_path, gates, make=make)
    crew.pool.allow(2)
    crew.pool.stop.wait(PATIENCE)
    gates.let(0)
    crew.finish()
    assert isinstance(crew.pool.error, TaskError)
    assert crew.pool.ended


def test_the_first_error_stays(tmp_path):
    """Of several errors the first is kept."""
    gates = Gates()

    def call(value: int) -> int:
        gates(value)
        raise GilRefused(threading.current_thread().name)

    crew = Crew(tmp_path, call)
    crew.pool.allow(2)
    gates.arrived(0)
    gates.arrived(1)
    gates.let(1)
    crew.pool.stop.wait(PATIENCE)
    gates.let(0)
    crew.finish()
    assert crew.pool.error.args == ("ftorch-1",)


def test_surplus_threads_wait_and_go_on(tmp_path):
    """When fewer may work the surplus thread parks after its chunk; when more may, it goes on."""
    gates = Gates()
    crew = Crew(tmp_path, gates)
    crew.pool.allow(2)
    gates.arrived(0)
    gates.arrived(1)
    crew.pool.allow(1)
    gates.let(1, 1)
    crew.until_parked(1)
    assert len(crew.keys) == 1
    crew.pool.allow(2)
    gates.arrived(1)
    assert crew.board.read().lines[1].state == board.RUNNING
    gates.let(0)
    gates.let(1)
    crew.finish()
    assert crew.keys == all_keys(20)


def test_a_parked_thread_ends_with_the_work(tmp_path):
    """Threads that wait when nothing is left to do end, too."""
    gates = Gates()
    crew = Crew(tmp_path, gates)
    crew.pool.allow(2)
    gates.arrived(1)
    crew.pool.allow(1)
    gates.let(1, 1)
    crew.until_parked(1)
    gates.let(0)
    crew.finish()
    assert crew.keys == all_keys(20)


def test_more_threads_later(tmp_path):
    """When more may work than were started, more are started."""
    gates = Gates()
    crew = Crew(tmp_path, gates, threads=3)
    crew.pool.allow(1)
    gates.arrived(0)
    crew.pool.allow(3)
    gates.arrived(1)
    gates.arrived(2)
    for thread in range(3):
        gates.let(thread)
    crew.finish()
    assert crew.keys == all_keys(20)
    assert len(crew.pool.records) == 3


def test_halt_finishes_what_runs(tmp_path):
    """After a halt each thread finishes the chunk it is in, which is delivered, and takes no other."""
    gates = Gates()
    crew = Crew(tmp_path, gates)
    crew.pool.allow(2)
    gates.arrived(0)
    gates.arrived(1)
    crew.pool.halt()
    gates.let(0)
    gates.let(1)
    crew.finish()
    assert crew.keys == all_keys(2)
    assert crew.pool.error is None


def test_halt_ends_parked_threads(tmp_path):
    """A halt reaches threads that wait, and none is started afterwards."""
    gates = Gates()
    crew = Crew(tmp_path, gates, threads=3)
    crew.pool.allow(2)
    gates.arrived(0)
    gates.arrived(1)
    crew.pool.allow(1)
    gates.let(1, 1)
    crew.until_parked(1)
    crew.pool.halt()
    crew.pool.allow(3)
    gates.let(0)
    crew.finish()
    assert len(crew.pool.records) == 2


def test_threads_start_with_an_empty_context(tmp_path):
    """Nothing that the main thread set in its context is seen, or shared, by the threads."""
    mine = contextvars.ContextVar("mine", default="unset")
    mine.set("main's")
    seen = []

    def make(_index: int) -> None:
        seen.append((len(contextvars.copy_context()), mine.get(), id(decimal.getcontext())))

    with decimal.localcontext() as context:
        context.prec = 5
        crew = Crew(tmp_path, lambda value: value, make=make)
        crew.pool.allow(2)
        crew.finish()
        contexts = {identity for _, _, identity in seen} | {id(context)}
    assert [(size, value) for size, value, _ in seen] == [(0, "unset")] * 2
    assert len(contexts) == 3


def test_when_no_more_threads_can_be_started(tmp_path, monkeypatch):
    """The threads that could be started do all the work, and the pool ends when they have."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name != "ftorch-0":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    gates = Gates()
    crew = Crew(tmp_path, gates, threads=3)
    with pytest.raises(RuntimeError, match="can't start"):
        crew.pool.allow(3)
    assert crew.pool.allowed == 1
    gates.let(0)
    crew.finish()
    assert crew.keys == all_keys(20)
    assert len(crew.pool.records) == 1


def test_what_a_ramp_sees(tmp_path):
    """Each thread leaves a mark at the end of a chunk, with its own clocks; surplus threads are seen to be parked."""
    gates = Gates()
    crew = Crew(tmp_path, gates)
    crew.pool.allow(2)
    gates.arrived(0)
    gates.arrived(1)
    assert crew.pool.marks(2) is None
    assert crew.pool.parked(2)
    crew.pool.allow(1)
    assert not crew.pool.parked(1)
    gates.let(1, 1)
    crew.until_parked(1)
    assert crew.pool.parked(1)
    gates.let(0, 3)
    for _ in range(3):
        gates.arrived(0)
    first, second = crew.pool.marks(2)
    assert (first.chunks, first.units, first.items) == (3, 3, 3)
    assert (second.chunks, second.units, second.items) == (1, 1, 1)
    assert first.at > second.at
    assert first.cpu_seconds > 0
    assert not crew.pool.ending
    gates.let(0)
    crew.finish()
    assert crew.pool.ending
    assert crew.pool.marks(1) is None


def test_an_errand_is_done_once_between_chunks(tmp_path: Path):
    """Whatever number of threads sees it, one of them does it, and all items are done."""
    done: list[str] = []

    def call(item: int) -> int:
        if item == 0:
            crew.pool.errand = errand
        return item

    def errand() -> None:
        done.append(threading.current_thread().name)

    crew = Crew(tmp_path, call, items=200, threads=4)
    crew.pool.allow(4)
    crew.finish()
    [name] = done
    assert name.startswith("ftorch-")
    assert len(crew.keys) == 200
