"""Lanes in child processes, for a Python whose GIL is on: each thread of the pool drives one child.

Guarantees: a child runs the same lane as a thread would, and writes its own line of the same board; a child that dies,
or is killed because its item takes too long, costs that item: a new child does the rest. Assumes: the task's results
and accumulators can be pickled.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from multiprocessing.connection import Connection
from typing import Any

from msgspec import structs

from orchestrator.engine import board as fields
from orchestrator.engine.board import Board
from orchestrator.engine.dispenser import Chunk
from orchestrator.engine.handing import Taker
from orchestrator.engine.outcome import WHOLE_CHUNK, Outcome
from orchestrator.engine.pace import Pace
from orchestrator.engine.poison import Poison
from orchestrator.engine.protocol import Work, error_of
from orchestrator.errors import WorkerDied

_spawning = threading.Lock()

type _Chunks = dict[tuple[int, int, tuple[int, ...] | None], Chunk]


class _Dead(Exception):
    """The child is gone."""


class ProcessLane:
    """The near end of a lane in a child process."""

    def __init__(self, work: Work, board: Board, index: int) -> None:
        self.pace = Pace()
        self.stack = ""
        self._work = work
        self._board = board
        self._index = index
        self._line = board.line(index)
        self._waiting: _Chunks = {}
        self._again: deque[Chunk] = deque()
        self._suspects: set[tuple[int, int, int]] = set()
        self._expired: tuple[int, int] | None = None
        self._due: float | None = None
        self._cpu_seconds = 0.0
        self._changing = threading.Lock()
        self._start()

    @property
    def unsettled(self) -> int:
        """How many chunks wait for a retry, or to be done again after a child died."""
        return len(self._waiting) + len(self._again)

    def expire(self, lo: int, item: int) -> bool:
        """End an item by ending the child that runs it; says whether. The controlling thread calls it."""
        with self._changing:
            if self._line[fields.LO] != lo or self._line[fields.ITEM] != item:
                return False
            self._expired = (lo, item)
            self._child.kill()
            return True

    def next_due(self) -> float | None:
        """When the next retry is due."""
        return time.monotonic() if self._again else self._due

    def run(self, chunk: Chunk) -> Outcome | None:
        """Do a chunk in the child."""
        key = (chunk.lo, chunk.hi, chunk.only)
        try:
            outcome = self._ask(("run", chunk))
        except _Dead:
            self._bury(chunk)
            return None
        if outcome is None:
            self._waiting[key] = chunk
        return outcome

    def settle(self) -> Outcome | None:
        """Do what is due: a chunk again after a death, or a retry in the child."""
        if self._again:
            return self.run(self._again.popleft())
        if self._due is None or self._due > time.monotonic():
            return None
        try:
            outcome = self._ask(("settle",))
        except _Dead:
            self._bury(None)
            return None
        if outcome is not None:
            self._waiting.pop((outcome.lo, outcome.hi, outcome.retried), None)
        return outcome

    @property
    def place(self) -> str:
        """The folder of /proc that tells of the child's main thread."""
        return f"/proc/{self._child.pid}/task/{self._child.pid}"

    def cpu_seconds(self) -> float:
        """CPU seconds that the child had used when it last answered."""
        return self._cpu_seconds

    def close(self) -> None:
        """Let the child end."""
        self._pipe.close()
        self._child.wait()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs, _spawning:
            command = [sys.executable, "-P", "-m", "orchestrator.engine.child", str(theirs.fileno())]
            self._child = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=2)
        self._pipe = Connection(ours.detach())
        self._taker = Taker(self._pipe)
        try:
            self._ask(("start", self._work, os.fspath(self._board.path), self._index))
        except _Dead:
            raise WorkerDied(
                max(0, -self._child.returncode), f"a worker process died of {self._death()} while it started"
            ) from None

    def _ask(self, question: tuple[Any, ...]) -> Outcome | None:
        try:
            self._pipe.send(question)
            answer = self._taker.take()
        except EOFError, BrokenPipeError, ConnectionResetError:
            self._child.wait()
            raise _Dead from None
        if answer[0] == "problem":
            raise error_of(answer[1])
        _, outcome, self.pace, self._due, self._cpu_seconds = answer
        found: Outcome | None = outcome
        return found

    def _bury(self, chunk: Chunk | None) -> None:
        """Start a new child, and have every chunk that the old one held done again, without what killed it twice."""
        with self._changing:
            # From here on nothing runs whose time could be over: not even while the new child takes long to start.
            death, lo, item = self._death(), self._line[fields.LO], self._line[fields.ITEM]
            self._line[fields.ITEM], self._line[fields.STATE] = fields.NO_ITEM, fields.IDLE
        self._pipe.close()
        held = ([chunk] if chunk is not None else []) + list(self._waiting.values())
        self._again.extend(self._without_guilty(held_chunk, lo, item, death) for held_chunk in held)
        self._waiting.clear()
        self._due, self._expired = None, None
        self._start()

    def _without_guilty(self, chunk: Chunk, lo: int, item: int, death: str) -> Chunk:
        if chunk.lo != lo:
            return chunk
        number = WHOLE_CHUNK if item == fields.NO_ITEM else item
        if self._expired == (lo, item):
            text = "it took longer than timeout.item, and its process was ended"
            return structs.replace(chunk, poison=(*chunk.poison, Poison(number, "Timeout", text, "", 1)))
        if (chunk.lo, chunk.hi, number) not in self._suspects:
            self._suspects.add((chunk.lo, chunk.hi, number))
            return chunk
        text = f"it killed its process twice: {death}"
        return structs.replace(chunk, poison=(*chunk.poison, Poison(number, "Crash", text, "", 2)))

    def _death(self) -> str:
        code = self._child.wait()
        return signal.Signals(-code).name if code < 0 else f"exit code {code} (os._exit)"
