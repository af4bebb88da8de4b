"""Lanes in child processes, for a Python whose GIL is on: each thread of the pool drives one child.

Guarantees: a child runs the same lane as a thread would, and writes its own line of the same board; it ends with its
parent. Assumes: the task's results and accumulators are plain data once encoded. The child is
`python -m orchestrator.engine.processes`.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.engine.board import Board
from orchestrator.engine.build import LaneParts, make_lane
from orchestrator.engine.dispenser import Chunk
from orchestrator.engine.lifeline import die_with_parent
from orchestrator.engine.outcome import Outcome
from orchestrator.engine.pace import Pace
from orchestrator.engine.protocol import Work, error_of, problem_of
from orchestrator.errors import FtorchError, WorkerDied
from orchestrator.host.cpus import cpu_facts, pin_plan
from orchestrator.run.folder import read_manifest
from orchestrator.store.local import LocalStore
from orchestrator.tasks.bind import make_process_state
from orchestrator.tasks.load import load_task

_spawning = threading.Lock()


class ProcessLane:
    """The near end of a lane in a child process."""

    def __init__(self, work: Work, board: Path, index: int) -> None:
        self.pace = Pace()
        self.unsettled = 0
        self._due: float | None = None
        self._cpu_seconds = 0.0
        ours, theirs = socket.socketpair()
        with theirs, _spawning:
            command = [sys.executable, "-P", "-m", "orchestrator.engine.processes", str(theirs.fileno())]
            self._child = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=2)
        self._pipe = Connection(ours.detach())
        self._ask(("start", work, os.fspath(board), index))

    def next_due(self) -> float | None:
        """When the next retry is due."""
        return self._due

    def run(self, chunk: Chunk) -> Outcome | None:
        """Do a chunk in the child."""
        return self._ask(("run", chunk))

    def settle(self) -> Outcome | None:
        """Do a retry that is due in the child."""
        return self._ask(("settle",)) if self._due is not None else None

    def cpu_seconds(self) -> float:
        """CPU seconds that the child had used when it last answered."""
        return self._cpu_seconds

    def close(self) -> None:
        """Let the child end."""
        self._pipe.close()
        self._child.wait()

    def _ask(self, question: tuple[Any, ...]) -> Outcome | None:
        try:
            self._pipe.send(question)
            answer = self._pipe.recv()
        except EOFError, BrokenPipeError, ConnectionResetError:
            code = self._child.wait()
            raise (
                WorkerDied(-code, f"a worker process died of signal {-code}")
                if code < 0
                else FtorchError(f"a worker process ended by itself with exit code {code}")
            ) from None
        if answer[0] == "problem":
            raise error_of(answer[1])
        _, outcome, self.pace, self.unsettled, self._due, self._cpu_seconds = answer
        found: Outcome | None = outcome
        return found


def _child(pipe: Connection) -> None:
    lane = None
    while True:
        try:
            question = pipe.recv()
        except EOFError, ConnectionResetError:
            break
        try:
            outcome = None
            if question[0] == "start":
                lane = _start(*question[1:])
            elif lane is not None:
                outcome = lane.run(question[1]) if question[0] == "run" else lane.settle()
            assert lane is not None
            pipe.send(("done", outcome, lane.pace, lane.unsettled, lane.next_due(), time.process_time()))
        except FtorchError as error:
            pipe.send(("problem", problem_of(error)))
    if lane is not None:
        lane.close()


def _start(work: Work, board: str, index: int) -> Any:
    store = LocalStore(Path(work.run))
    manifest = msgspec.structs.replace(read_manifest(store), job=work.job)
    spec = manifest.spec
    task = load_task(spec.task, Path(manifest.base), spec.arguments)
    state = make_process_state(task, spec.arguments)
    mapped = Board.open(Path(board), write=True)
    pins = pin_plan(cpu_facts(), index + 1)
    parts = LaneParts(store, manifest, task, state.value, mapped, work.output, work.replace, pins)
    return make_lane(parts, index)


if __name__ == "__main__":
    die_with_parent()
    _child(Connection(int(sys.argv[1])))
