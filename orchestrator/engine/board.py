"""The status board: one mapped file, a 64-byte line for each thread, which only that thread writes.

Guarantees: a thread's store touches no cache line that another thread writes, takes no lock and makes no system
call, and is visible to every process that maps the file, the moment it is made and after the writer was killed.
Assumes: aligned 8-byte stores are whole (x86-64 and arm64); a reader may see one line's fields at slightly different
moments, so what is read is a picture, never an account.
"""

import mmap
import os
from pathlib import Path

from msgspec import Struct

from orchestrator.engine import line

# A thread's line, by the names that readers of the board use.
LINE = line.LINE
LO, HI, ITEM, ITEMS = line.LO, line.HI, line.ITEM, line.ITEMS
BYTES, FAILED, CHUNKS, STATE = line.BYTES, line.FAILED, line.CHUNKS, line.STATE
IDLE, RUNNING, WAITING, PARKED, ENDED = line.IDLE, line.RUNNING, line.WAITING, line.PARKED, line.ENDED
NO_ITEM = line.NO_ITEM
# The fields of the head line.
VERSION, THREADS, TOTAL_ITEMS, PHASE, TOTAL_BYTES, DONE_ITEMS, DONE_BYTES, TARGET = range(LINE)
_VERSION = 1
UNKNOWN = -1
# What PHASE holds: all threads at work, or one alone with items that may have killed the last worker.
TOGETHER, ALONE = range(2)


class Line(Struct, frozen=True):
    """What one thread does now, and has done.

    Attributes:
        lo, hi: the chunk it works on.
        item: the number of the item within the chunk.
        items, nbytes, failed, chunks: done in finished chunks.
        state: IDLE, RUNNING, WAITING (for a retry), PARKED (the quota shrank) or ENDED.
    """

    lo: int
    hi: int
    item: int
    items: int
    nbytes: int
    failed: int
    chunks: int
    state: int


class Picture(Struct, frozen=True):
    """The whole board at about one moment; totals are UNKNOWN (-1) where only reading the input can tell.

    Attributes:
        total_items, total_bytes: what the plan holds.
        done_items, done_bytes: what had been done before this worker started.
        target: how many threads may work now.
        phase: TOGETHER or ALONE.
        lines: a line for each thread.
    """

    total_items: int
    total_bytes: int
    done_items: int
    done_bytes: int
    target: int
    phase: int
    lines: tuple[Line, ...]

    @property
    def items(self) -> int:
        """Items done so far: in finished chunks, and in those that run."""
        return self.done_items + sum(
            line.items + (max(0, line.item) if line.state == RUNNING else 0) for line in self.lines
        )

    @property
    def nbytes(self) -> int:
        """Bytes of input done so far, in finished chunks."""
        return self.done_bytes + sum(line.nbytes for line in self.lines)

    @property
    def failed(self) -> int:
        """Items that failed for good."""
        return sum(line.failed for line in self.lines)

    @property
    def busy(self) -> int:
        """Threads that work on a chunk."""
        return sum(line.state == RUNNING for line in self.lines)


class Board:
    """A mapped board: the worker's to write, anybody's to read."""

    def __init__(self, path: Path, mapping: mmap.mmap) -> None:
        self.path = path
        self._mapping = mapping
        self._cells = memoryview(mapping).cast("q")
        self.threads = self._cells[THREADS]

    @classmethod
    def create(cls, path: Path, threads: int) -> Board:
        """Make a board for so many threads, replacing the one that is there.

        Its blocks are taken now: a store to a page that a full disk has no room for would be a SIGBUS.

        Raises:
            OSError: there is no room for it, or it cannot be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        size = (1 + threads) * LINE * 8
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            with open(temporary, "wb+") as file:
                os.posix_fallocate(file.fileno(), 0, size)
                mapping = mmap.mmap(file.fileno(), size)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        _clear(mapping, threads)
        os.replace(temporary, path)
        return cls(path, mapping)

    @classmethod
    def private(cls, threads: int) -> Board:
        """Make a board for so many threads that only this process sees."""
        mapping = mmap.mmap(-1, (1 + threads) * LINE * 8)
        _clear(mapping, threads)
        return cls(Path(), mapping)

    @classmethod
    def open(cls, path: Path, *, write: bool = False) -> Board:
        """Map an existing board.

        Raises:
            FileNotFoundError: there is none.
            ValueError: the file is not a board of this version.
        """
        with open(path, "rb+" if write else "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < LINE * 16 or size % (LINE * 8):
                raise ValueError(f"{path} is not a status board")
            access = mmap.ACCESS_WRITE if write else mmap.ACCESS_READ
            mapping = mmap.mmap(file.fileno(), size, access=access)
        board = cls(path, mapping)
        if board._cells[VERSION] != _VERSION or (1 + board.threads) * LINE * 8 != size:
            raise ValueError(f"{path} is not a status board of version {_VERSION}")
        return board

    def line(self, thread: int) -> memoryview[int]:
        """The line of a thread, for that thread to write: eight signed 64-bit cells of its own cache line."""
        return self._cells[LINE * (1 + thread) : LINE * (2 + thread)]

    def head(self) -> memoryview[int]:
        """The head line, which only the worker's main thread writes."""
        return self._cells[:LINE]

    def read(self) -> Picture:
        """The board as it is now."""
        head = self._cells[:LINE].tolist()
        lines = tuple(Line(*self.line(thread).tolist()) for thread in range(self.threads))
        return Picture(
            total_items=head[TOTAL_ITEMS],
            total_bytes=head[TOTAL_BYTES],
            done_items=head[DONE_ITEMS],
            done_bytes=head[DONE_BYTES],
            target=head[TARGET],
            phase=head[PHASE],
            lines=lines,
        )


def _clear(mapping: mmap.mmap, threads: int) -> None:
    """Write the head line of a new board."""
    cells = memoryview(mapping).cast("q")
    cells[VERSION], cells[THREADS], cells[TARGET] = _VERSION, threads, threads
    cells[TOTAL_ITEMS] = cells[TOTAL_BYTES] = UNKNOWN
    cells.release()
