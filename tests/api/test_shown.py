"""The progress of `run`: on a terminal, in a notebook, nowhere else."""

import io
import os
import pty
import subprocess
import sys
import threading

import pytest

from orchestrator import run
from orchestrator.api import shown
from orchestrator.api.shown import Shown
from orchestrator.engine.board import RUNNING, STATE, Board

PATIENCE = 60

SCRIPT = """
import threading
from orchestrator import run
from orchestrator.api import shown
from orchestrator.report import live
shown._SHOWN_AFTER = -1
drawn, tick = threading.Event(), live.LiveLine.tick
def ticked(line):
    tick(line)
    drawn.set()
live.LiveLine.tick = ticked
print(run(lambda number: drawn.wait(60), range(10)).results)
"""


class Text(io.StringIO):
    """A standard error that is, or is not, a terminal."""

    terminal = False

    def isatty(self) -> bool:
        return self.terminal


class Terminal(Text):
    """A terminal."""

    terminal = True


@pytest.fixture
def board() -> Board:
    """A board on which one of two threads works."""
    board = Board.private(2)
    board.line(1)[STATE] = RUNNING
    return board


def test_a_line_on_a_terminal():
    """On a terminal there is a live line, which is gone at the end."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        told = b""
        while True:
            try:
                told += os.read(ours, 4096)
            except OSError:
                break
        assert process.stdout is not None
        assert process.stdout.read() == f"{[True] * 10}\n".encode()
    os.close(ours)
    assert b"0/10 items" in told
    assert told.rstrip().endswith(b"\x1b[2K")


def test_nothing_elsewhere(capfd, monkeypatch):
    """Where standard error is no terminal, or progress is not wanted, nothing is shown."""
    monkeypatch.setattr(shown, "_SHOWN_AFTER", -1)
    run(abs, range(10))
    run(abs, range(10), progress=False)
    assert capfd.readouterr().err == ""


def test_a_line_that_is_written_over(board, monkeypatch):
    """Asked for where there is no terminal, the line is written over itself, and wiped at the end."""
    monkeypatch.setattr(shown, "_SHOWN_AFTER", -1)
    monkeypatch.setattr(sys, "stderr", Text())
    line = Shown(True, board)
    line.tick()
    line.ended()
    first, wiped, last = sys.stderr.getvalue().split("\r")[1:]
    assert "0 items" in first
    assert "1/2 threads busy" in first
    assert (wiped, last) == (" " * len(first), "")


def test_a_notebook_is_somebody_who_looks(board, monkeypatch):
    """A notebook's standard error is no terminal, and yet progress is shown there."""
    monkeypatch.setattr(sys, "stderr", type("OutStream", (Text,), {"__module__": "ipykernel.iostream"})())
    assert Shown(None, board)._wanted
    monkeypatch.setattr(sys, "stderr", Text())
    assert not Shown(None, board)._wanted
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert Shown(None, board)._wanted
    monkeypatch.setattr(sys, "stderr", None)
    assert not Shown(None, board)._wanted


def test_what_is_short_shows_nothing(board, monkeypatch):
    """Before half a second is over nothing is drawn, and no package for it loaded."""
    monkeypatch.setattr(shown, "_line", lambda _: pytest.fail("it was drawn"))
    line = Shown(True, board)
    line.tick()
    line.ended()


def test_a_terminal_that_goes_away(board, monkeypatch):
    """When it cannot be written to any more, the run goes on without it."""
    monkeypatch.setattr(shown, "_SHOWN_AFTER", -1)

    class Gone(Text):
        def write(self, _text: str) -> int:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(sys, "stderr", Gone())
    line = Shown(True, board)
    line.tick()
    line.tick()
    line.ended()
    assert not line._wanted


def test_progress_is_that_of_the_items():
    """While items run, the board that is shown has their number and how many of them are done."""
    seen: list[tuple[int, int]] = []
    go, looked = threading.Event(), threading.Event()

    class Looking(Shown):
        def tick(self) -> None:
            assert self._odometer._open is not None
            picture = self._odometer._open.read()
            seen.append((picture.items, picture.total_items))
            if picture.items == 1:
                looked.set()

    def call(number: int) -> None:
        if number == 1:
            assert looked.wait(PATIENCE)
        elif number == 2:
            go.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("orchestrator.api.going.Shown", Looking)
        run(call, range(3), threads=1)
    assert go.is_set()
    assert (1, 3) in seen
