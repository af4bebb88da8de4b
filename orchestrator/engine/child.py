"""The child of a process lane: `python -m orchestrator.engine.child FD`. It runs the same lane as a thread would.

Guarantees: it ends when its parent does. Assumes: FD is a socket on which the parent asks, one question at a time.
"""

import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.engine.board import Board
from orchestrator.engine.build import LaneParts, ThreadLane, make_lane
from orchestrator.engine.gilwatch import GilWatch
from orchestrator.engine.handing import Giver
from orchestrator.engine.lifeline import die_with_parent
from orchestrator.engine.protocol import Work, problem_of
from orchestrator.errors import FtorchError
from orchestrator.host.cpus import cpu_facts, pin_plan
from orchestrator.run.folder import read_manifest
from orchestrator.run.scratch import scratch_of
from orchestrator.spec.load import parse_job
from orchestrator.store.open import open_store
from orchestrator.tasks.bind import State, make_process_state
from orchestrator.tasks.load import load_task


def _child(pipe: Connection) -> None:
    lane, state, giver = None, None, Giver(pipe)
    # A pipe that breaks is no item's doing: the parent has ended, and nobody waits for the answer.
    with suppress(EOFError, ConnectionResetError, BrokenPipeError):
        while True:
            question = pipe.recv()
            if question[0] == "start":
                try:
                    lane, state = _start(*question[1:])
                except FtorchError as error:
                    pipe.send(("problem", problem_of(error)))
                    continue
            assert lane is not None
            giver.give(_answer(lane, question))
    if lane is not None and state is not None:
        lane.close()
        state.close()


def _answer(lane: ThreadLane, question: tuple[Any, ...]) -> tuple[Any, ...]:
    outcome = None
    try:
        if question[0] != "start":
            outcome = lane.run(question[1]) if question[0] == "run" else lane.settle()
    except FtorchError as error:
        return "problem", problem_of(error)
    return "done", outcome, lane.pace, lane.next_due(), time.process_time()


def _start(work: Work, board: str, index: int) -> tuple[ThreadLane, State]:
    store = open_store(work.run, parse_job(bytes(work.job)).remote)
    manifest = msgspec.structs.replace(read_manifest(store), job=work.job)
    spec = manifest.spec
    if spec.runtime.free_threading == "required":
        watch = GilWatch()
        watch.start()
        watch.refuse()
    task = load_task(spec.task, Path(manifest.base), spec.arguments)
    state = make_process_state(task, spec.arguments)
    mapped = Board.open(Path(board), write=True)
    pins = pin_plan(cpu_facts(), index + 1)
    shared = store, manifest, task, state.value, mapped
    spools = scratch_of(work.run)
    parts = LaneParts(*shared, work.output, work.replace, pins, alone=False, spools=spools)
    return make_lane(parts, index), state


if __name__ == "__main__":
    die_with_parent()
    _child(Connection(int(sys.argv[1])))
