"""The walk looks ahead in threads, and nobody can tell by what it gives."""

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import InputError
from orchestrator.inputs import level
from orchestrator.inputs.ahead import Ahead
from orchestrator.inputs.globs import Selection
from orchestrator.inputs.look import SLICE
from orchestrator.inputs.passed import Passed
from orchestrator.inputs.walk import Walk
from tests.inputs.test_files import find, unprivileged

NAMES = 2 * SLICE + 7


def walked(root: Path) -> list[bytes]:
    """The paths that a walk gives."""
    return [path for path, _ in Walk(os.fsencode(root), Selection(), "skip", Passed())]


def ahead_threads() -> list[threading.Thread]:
    """The threads that look ahead."""
    return [thread for thread in threading.enumerate() if thread.name == "ftorch-ahead"]


@pytest.fixture
def wide_tree(tmp_path) -> Path:
    """Folders of many files, of many folders, and one of both by turns."""
    for number in range(NAMES):
        (tmp_path / "mixed" / f"{number:05}").parent.mkdir(exist_ok=True)
        if number % 3:
            (tmp_path / "mixed" / f"{number:05}").touch()
        else:
            (tmp_path / "mixed" / f"{number:05}" / "deeper").mkdir(parents=True)
            (tmp_path / "mixed" / f"{number:05}" / "deeper" / "file").touch()
    for folder in ("first", "z/last"):
        (tmp_path / folder).mkdir(parents=True)
        for number in range(NAMES):
            (tmp_path / folder / f"{number:05}").touch()
    return tmp_path


def test_a_wide_tree_is_walked_in_order(wide_tree):
    """Folders larger than a slice, and more folders than are looked at ahead, come in the order of their names."""
    assert walked(wide_tree) == find(wide_tree, "-P", "-type", "f")


def test_without_threads_the_walk_is_the_same(wide_tree, monkeypatch):
    """Where the system gives no threads, the walk does all the looking itself."""

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert walked(wide_tree) == find(wide_tree, "-P", "-type", "f")


def test_no_room_for_names_means_not_ahead(wide_tree, monkeypatch):
    """Once the names seen ahead are as many as memory is meant for, the walk goes on by itself, in the same order."""
    monkeypatch.setattr(level, "MOST_NAMES", 0)
    before = len(ahead_threads())
    assert walked(wide_tree) == find(wide_tree, "-P", "-type", "f")
    assert len(ahead_threads()) == before


def test_what_comes_before_an_error_is_given_first():
    """A folder that cannot be read is told when the walk comes to it, however far ahead it was looked at."""
    with unprivileged() as base:
        root = base / "tree"
        for name in ("a", "b", "c"):
            (root / name).mkdir(parents=True)
            (root / name / "file").touch()
        (root / "b").chmod(0)
        walk = iter(Walk(os.fsencode(root), Selection(), "skip", Passed()))
        try:
            assert next(walk)[0] == b"a/file"
            with pytest.raises(InputError, match="Permission denied") as caught:
                next(walk)
            assert caught.value.where == str(root / "b")
        finally:
            (root / "b").chmod(0o700)


def test_a_walk_that_is_given_up_leaves_no_thread(wide_tree):
    """The threads end with the walk, also where it is not gone through to its end."""
    walk = iter(Walk(os.fsencode(wide_tree), Selection(), "skip", Passed()))
    for _ in range(SLICE // 2):
        next(walk)
    mine = ahead_threads()
    assert mine
    walk.close()
    for thread in mine:
        thread.join(60)
        assert not thread.is_alive()


def test_calls_are_made_at_the_same_time():
    """Two calls that wait for each other both end, and each gives its own result."""
    meeting = threading.Barrier(2, timeout=60)
    with Ahead() as ahead:
        calls = [ahead.start(lambda number=number: (meeting.wait() >= 0, number)) for number in range(2)]
        assert [ahead.result(call) for call in calls] == [(True, 0), (True, 1)]


def test_an_error_is_raised_where_the_result_is_asked_for():
    """What a call raises in its thread is raised by `result`, as often as it is asked."""
    with Ahead() as ahead:
        call = ahead.start(lambda: 1 // 0)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                ahead.result(call)


def test_a_call_is_made_once(monkeypatch):
    """Of the thread that begins calls and the one that asks for results, exactly one makes each call."""
    made: list[int] = []
    with Ahead() as ahead:
        for number in range(2_000):
            call = ahead.start(lambda number=number: made.append(number))
            ahead.result(call)
    assert made == list(range(2_000))


@given(st.integers(level.FEWEST, level.MOST), st.integers(0, SLICE), st.integers(0, 2 * SLICE))
def test_the_window_stays_within_its_bounds(size, names, slept):
    """More is looked at ahead where threads sleep, less where they do not, never beyond the bounds."""
    after = level.size_after(size, names, slept)
    assert level.FEWEST <= after <= level.MOST
    if names and slept >= names:
        assert after == min(2 * size, level.MOST)
    if names > 64 and not slept:
        assert after <= size
