"""The status board, between threads and between processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.engine import board
from orchestrator.engine.board import Board

ROOT = Path(__file__).parents[2]

WRITER = """
import sys
from pathlib import Path
from orchestrator.engine import board
mapped = board.Board.open(Path(sys.argv[1]), write=True)
line = mapped.line(1)
for command in sys.stdin:
    field, value = map(int, command.split())
    line[field] = value
    print("stored", flush=True)
"""


def writer(path: Path) -> subprocess.Popen[str]:
    """A process that stores what it is told to in the second thread's line, and says when it has."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def tell(process: subprocess.Popen[str], field: int, value: int) -> None:
    """Have it store a value; it is stored when this returns."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{field} {value}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "stored\n"


def test_each_line_is_one_cache_line(tmp_path):
    """Head and lines take 64 bytes each, so a thread's stores touch nobody else's cache line."""
    made = Board.create(tmp_path / "board", 3)
    assert (tmp_path / "board").stat().st_size == 4 * 64
    assert {made.line(thread).nbytes for thread in range(3)} == {64}
    for thread in range(3):
        made.line(thread)[:] = memoryview(bytes([thread + 1]) * 64).cast("q")
    raw = (tmp_path / "board").read_bytes()
    assert [set(raw[64 * (1 + thread) :][:64]) for thread in range(3)] == [{1}, {2}, {3}]


def test_a_new_board_knows_no_totals(tmp_path):
    """Until the worker says otherwise totals are unknown, all threads may work, and none has done anything."""
    picture = Board.create(tmp_path / "deep" / "board", 2).read()
    assert (picture.total_items, picture.total_bytes) == (board.UNKNOWN, board.UNKNOWN)
    assert (picture.items, picture.nbytes, picture.failed, picture.busy) == (0, 0, 0, 0)
    assert picture.target == 2
    assert len(picture.lines) == 2


def test_another_process_sees_a_store_at_once(tmp_path):
    """What one process stored, another reads, in both directions, without a call to write it out."""
    made = Board.create(tmp_path / "board", 2)
    with writer(tmp_path / "board") as process:
        for value in (1, -5, 2**62, 7):
            tell(process, board.LO, value)
            assert made.read().lines[1].lo == value
        process.kill()


def test_what_was_stored_outlives_a_killed_writer(tmp_path):
    """After kill -9 the item in flight is still on the board, for who looks into it."""
    Board.create(tmp_path / "board", 2)
    with writer(tmp_path / "board") as process:
        for field, value in ((board.LO, 40), (board.HI, 50), (board.ITEM, 3), (board.STATE, board.RUNNING)):
            tell(process, field, value)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    line = Board.open(tmp_path / "board").read().lines[1]
    assert (line.lo, line.hi, line.item, line.state) == (40, 50, 3, board.RUNNING)


def test_a_board_opened_to_read_cannot_be_written(tmp_path):
    """A reader cannot spoil what the threads tell."""
    Board.create(tmp_path / "board", 1)
    with pytest.raises(TypeError, match="read-only"):
        Board.open(tmp_path / "board").line(0)[board.LO] = 1


def test_a_new_board_takes_an_old_ones_place(tmp_path):
    """Who still maps the old board reads the old one, unharmed; who opens the name gets the new one."""
    old = Board.create(tmp_path / "board", 1)
    old.line(0)[board.ITEMS] = 5
    Board.create(tmp_path / "board", 3)
    assert old.read().items == 5
    assert Board.open(tmp_path / "board").threads == 3
    assert os.listdir(tmp_path) == ["board"]


@pytest.mark.parametrize(
    "content",
    [b"", b"x" * 64, b"\0" * 128, b"x" * 128, b"x" * 130, (2).to_bytes(8, "little") + b"\0" * 120],
    ids=["empty", "one line", "zeros", "text", "odd length", "another version"],
)
def test_a_foreign_file_is_no_board(tmp_path, content):
    """A file that is no board of this version is refused, not misread."""
    (tmp_path / "board").write_bytes(content)
    with pytest.raises(ValueError, match="not a status board"):
        Board.open(tmp_path / "board")


def test_a_board_cut_short_is_refused(tmp_path):
    """A board whose file was truncated is not mapped: reading past its end would kill the reader."""
    Board.create(tmp_path / "board", 4)
    os.truncate(tmp_path / "board", 3 * 64)
    with pytest.raises(ValueError, match="not a status board"):
        Board.open(tmp_path / "board")


def test_no_board(tmp_path):
    """Where there is no board, that is what the error says."""
    with pytest.raises(FileNotFoundError):
        Board.open(tmp_path / "board")


def test_totals_count_earlier_sittings_and_running_chunks(tmp_path):
    """Items: those done before, those of finished chunks, and those that running chunks have got to."""
    made = Board.create(tmp_path / "board", 3)
    head = made.head()
    head[board.DONE_ITEMS], head[board.DONE_BYTES], head[board.TOTAL_ITEMS] = 100, 1000, 500
    running, parked = made.line(0), made.line(2)
    running[board.ITEMS], running[board.ITEM], running[board.STATE] = 10, 4, board.RUNNING
    running[board.BYTES], running[board.FAILED] = 50, 2
    parked[board.ITEMS], parked[board.ITEM], parked[board.STATE] = 20, 9, board.PARKED
    parked[board.BYTES], parked[board.FAILED] = 7, 1
    picture = made.read()
    assert picture.items == 100 + (10 + 4) + 20
    assert picture.nbytes == 1000 + 50 + 7
    assert (picture.failed, picture.busy, picture.total_items) == (3, 1, 500)
