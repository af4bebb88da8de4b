"""What the main thread sees of other threads: real ones, asleep on a lock, in a read, or at work."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from orchestrator.engine import board, hotlines
from orchestrator.engine.board import Board
from orchestrator.engine.hotlines import HotLines, place_of
from orchestrator.engine.lanewatch import LaneWatch
from orchestrator.engine.looking import Looker

SYSCALL = "/proc/self/syscall"
pytestmark = pytest.mark.skipif(not os.access(SYSCALL, os.R_OK), reason=f"this system has no {SYSCALL}")


@contextmanager
def other(work: Callable[[], object]) -> Iterator[str]:
    """A thread that does something; gives its place."""
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield f"/proc/self/task/{thread.native_id}"
    finally:
        thread.join()


def until(look: Callable[[], object], condition: Callable[[], bool]) -> None:
    """Look again and again until something is seen."""
    while not condition():
        look()
        os.sched_yield()


@pytest.fixture
def line(tmp_path):
    """The board line of a thread that works on an item."""
    cells = Board.create(tmp_path / "board", 1).line(0)
    cells[board.STATE], cells[board.ITEM] = board.RUNNING, 3
    return cells


def test_a_thread_asleep_on_a_lock(line):
    """It is seen as locked, and the line that takes the lock is known, with the lock's name."""
    lock = threading.Lock()

    def wait() -> None:
        with lock:
            pass

    looker = Looker(stacks=True)
    lock.acquire()
    with other(wait) as place:
        try:
            until(lambda: looker.look([(place, line)]), lambda: looker.looks().lock >= 3)
            looker.hot.note(looker.hot.read(), {int(place.rpartition("/")[2]): "lock"})
        finally:
            lock.release()
    if not looker.hot.available:
        pytest.skip("this interpreter cannot read the stacks of its threads")
    hot = looker.hot.seen("lock")[0]
    assert (hot.function.rpartition(".")[2], hot.source) == ("wait", "with lock:")
    assert hot.file.endswith("test_looking.py")


@pytest.mark.parametrize(("item", "kind"), [(3, "waiting"), (board.NO_ITEM, "reading")])
def test_a_thread_asleep_in_a_read(line, item, kind):
    """Within an item it waits for something outside; where no item runs, it waits for input."""
    line[board.ITEM] = item
    reading, writing = os.pipe()
    looker = Looker(stacks=False)
    with other(lambda: os.read(reading, 1)) as place:
        until(lambda: looker.look([(place, line)]), lambda: looker.looks().asleep >= 3)
        os.write(writing, b".")
    os.close(reading)
    os.close(writing)
    looks = looker.looks()
    assert getattr(looks, kind) >= 3
    assert set(looks.calls) <= {"read", "futex"}
    assert looks.calls["read"] >= 3


def test_a_thread_at_work(line):
    """One that computes is running."""
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            pass

    looker = Looker(stacks=False)
    with other(spin) as place:
        until(lambda: looker.look([(place, line)]), lambda: looker.looks().running >= 3)
        stop.set()


def test_the_line_of_a_thread_at_work(line):
    """While it computes, its innermost line is read without stopping it; 3.15 names the function in full."""
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            sum(range(100))

    looker = Looker(stacks=True)
    with other(spin) as place:
        until(
            lambda: looker.look([(place, line)]), lambda: bool(looker.hot.seen("running")) or not looker.hot.available
        )
        stop.set()
    if not looker.hot.available:
        pytest.skip("this interpreter cannot read the stacks of its threads")
    assert {hot.function.rpartition(".")[2] for hot in looker.hot.seen("running")} == {"spin"}


@pytest.mark.skipif(sys.version_info < (3, 15), reason="profiling.sampling came with Python 3.15")
def test_the_stacks_are_those_of_the_sampling_profiler(monkeypatch):
    """On 3.15 they are read by what `profiling.sampling` reads them with, but never written to, as its cache does."""
    from profiling.sampling import sample

    asked = []
    unwinder = sample._remote_debugging.RemoteUnwinder

    def noted(*arguments, **options):
        asked.append(options)
        return unwinder(*arguments, **options)

    monkeypatch.setattr(sample._remote_debugging, "RemoteUnwinder", noted)
    assert threading.get_native_id() in [tid for tid, _ in HotLines().read()]
    assert [options.get("cache_frames", False) for options in asked] == [False]


@pytest.mark.parametrize("state", [board.IDLE, board.WAITING, board.PARKED, board.ENDED])
def test_a_thread_that_is_not_at_work(line, state):
    """What a lane does between its chunks is timed elsewhere, and not looked at; nor is a thread that is gone."""
    looker = Looker(stacks=False)
    line[board.STATE] = state
    looker.look([(f"/proc/self/task/{threading.get_native_id()}", line)])
    line[board.STATE] = board.RUNNING
    looker.look([("/proc/self/task/0", line)])
    assert looker.looks().all == 0


def test_an_unwinder_that_fails(monkeypatch):
    """Its failures stay where they are; after many of them it is let be."""

    def fail() -> None:
        raise OSError("process_vm_readv failed")

    monkeypatch.setattr(hotlines, "_stacks", fail)
    lines = HotLines()
    for _ in range(100):
        lines.note(lines.read(), {1: "lock", 2: "running"})
    assert not lines.available
    assert lines.seen("lock") == lines.seen("running") == []


STDLIB = os.path.dirname(threading.__file__)
OURS = os.path.dirname(hotlines.__file__)


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (["/job/task.py", f"{OURS}/items.py"], "/job/task.py"),
        ([f"{STDLIB}/json/decoder.py", "/job/task.py", f"{OURS}/items.py"], "/job/task.py"),
        ([f"{STDLIB}/json/decoder.py", f"{OURS}/items.py"], f"{STDLIB}/json/decoder.py"),
        ([f"{STDLIB}/threading.py", f"{OURS}/committer.py", f"{STDLIB}/threading.py"], None),
        (["<string>", f"{OURS}/items.py"], None),
        ([], None),
    ],
)
def test_whose_line_it_is(files, chosen):
    """The innermost line of the job's own code; else a library's; never ftorch's own."""
    found = place_of([(file, 7, "f") for file in files])
    assert found == (None if chosen is None else (chosen, 7, "f"))


def test_a_lane_that_moved():
    """A lane that went on in another process has used what nobody can say; one that goes on, what it did so far."""
    place = f"/proc/self/task/{threading.get_native_id()}"
    moved, working = LaneWatch(), LaneWatch()
    moved.begin(place)
    moved.end("/proc/1/task/1")
    assert (moved.use().run, moved.use().delay) == (None, None)
    working.begin(place)
    assert working.use().user is not None
    assert LaneWatch().use().at >= 0
