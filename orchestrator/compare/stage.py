"""The process a contestant runs in: `python -m orchestrator.compare.stage FD`, with an `Assignment` as its first line.

Guarantees: it dies with its parent, and what it started dies with it; an error is an answer, never a traceback.
Assumes: standard input is the parent's pipe, and FD the pipe to answer on.
"""

import os
import signal
import sys
import time
from importlib import import_module
from pathlib import Path

import msgspec

from orchestrator.compare.base import Assignment, Command, Contestant, Told
from orchestrator.engine.lifeline import die_with_parent
from orchestrator.errors import FtorchError
from orchestrator.tasks.load import load_task

CONTESTANTS = {
    "threads": "ours.Threads",
    "processes": "processes.Processes",
    "interpreters": "interpreters.Interpreters",
    "redis": "fleet.Fleet",
    "python": "kept.KeptReplies",
}


def main(arguments: list[str]) -> None:
    """Do what is asked until the pipe ends, or `stop` is asked."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    contestant, command, assignment = None, None, None
    with os.fdopen(int(arguments[0]), "wb") as out:
        for line in sys.stdin.buffer:
            try:
                if contestant is None:
                    assignment = msgspec.json.decode(line, type=Assignment)
                    contestant, told = _make(assignment), Told()
                else:
                    command = msgspec.json.decode(line, type=Command)
                    told = _facts(assignment) if command.do == "facts" else _do(contestant, command)
            except FtorchError as error:
                told = Told(error=error.message, where=error.where, hint=error.hint)
            except Exception as error:  # noqa: BLE001 - a task, a pool or a client may raise anything
                told = Told(error=str(error) if type(error) is RuntimeError else f"{type(error).__name__}: {error}")
            out.write(msgspec.json.encode(told) + b"\n")
            out.flush()
            if command is not None and command.do == "stop":
                return


def _make(assignment: Assignment) -> Contestant:
    module, name = CONTESTANTS[assignment.name].split(".")
    made: Contestant = getattr(import_module(f"orchestrator.compare.{module}"), name)(assignment)
    return made


def _do(contestant: Contestant, command: Command) -> Told:
    match command.do:
        case "sizes":
            return Told(sizes=contestant.sizes())
        case "run":
            return Told(run=contestant.run(command.size))
        case "save":
            contestant.save(command.path)
        case "ones":
            return Told(latencies=_ones(contestant, command))
        case "start" | "first" | "settle" | "stop":
            getattr(contestant, command.do)()
        case _:
            raise FtorchError(f"a stage cannot {command.do!r}")
    return Told()


def _facts(assignment: Assignment | None) -> Told:
    """What the task is; this process imports it."""
    assert assignment is not None
    binding = assignment.binding
    options = load_task(binding.task, Path(binding.base), msgspec.json.decode(binding.arguments)).options
    return Told(batch=options.batch, is_fold=options.fold is not None)


def _ones(contestant: Contestant, command: Command) -> list[float]:
    """Items one at a time, spread over all there are; `size` is how many there are."""
    latencies: list[float] = []
    skipped = frozenset(command.skip)
    until = time.perf_counter() + command.seconds
    for turn in range(command.count):
        if latencies and time.perf_counter() >= until:
            break
        number = turn * command.size // command.count
        if number not in skipped:
            latencies.append(contestant.one(number))
    return latencies


if __name__ == "__main__":
    main(sys.argv[1:])
