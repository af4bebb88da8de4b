"""What the supervisor and the worker say to each other: one JSON object a line, over two pipes.

The supervisor sends a `Load`; the worker imports the task, meanwhile the supervisor plans; the worker answers
`Loaded` or `Problem`. Then the supervisor sends a `Work`, later perhaps a `Stop`; the worker ends with `Ended` or
`Problem`. Instead of a `Work` it may be a `Sweep`. The pipe's end means that the other side is gone.
"""

import os
from contextlib import suppress
from typing import IO

import msgspec
from msgspec import Struct

from orchestrator import errors
from orchestrator.engine.poison import Poison
from orchestrator.host.cpus import ThreadDecision
from orchestrator.host.interpreter import BackendDecision
from orchestrator.measure.windows import Window


class Load(Struct, frozen=True, tag="load"):
    """Import the task of this job.

    Attributes:
        base: the folder its relative paths start from.
        pools: the caps on native thread pools that the worker's environment was given.
        prepare: also make the state that its threads share, so that a mistake in it is told before a run begins.
    """

    job: msgspec.Raw
    base: str
    pools: dict[str, str]
    prepare: bool = True


class Loaded(Struct, frozen=True, tag="loaded"):
    """The task is there. `seconds` is how long its imports took."""

    is_fold: bool
    fingerprint: str
    backend: BackendDecision
    gil_culprit: str | None
    seconds: float


class Trial(Struct, frozen=True):
    """A chunk to run alone, first thing: an item of it may have killed the last worker.

    Attributes:
        lo, hi: the chunk.
        suspect: the number of the item that was in flight.
        poison: the items of it that are not to be run.
    """

    lo: int
    hi: int
    suspect: int
    poison: tuple[Poison, ...]


class Work(Struct, frozen=True, tag="work"):
    """Do what is missing of a shard.

    Attributes:
        run: the run's folder.
        job: the job, with the resources and limits that this sitting has.
        shard: which shard.
        threads: how many threads, and why.
        output: the path of the output's tree, for the tree format; else "".
        replace: a tree's files may replace existing ones (a resumed run, or `overwrite: true`).
        retry_failed: also do again what failed before.
        trials: chunks to run alone first, after a worker died.
        commit_seconds: how often to commit.
        board: the status board's path; by default it lies in the run's folder.
        failed_elsewhere: items that have failed in other shards, as far as is known.
    """

    run: str
    job: msgspec.Raw
    shard: int
    threads: ThreadDecision
    output: str
    replace: bool
    retry_failed: bool
    trials: tuple[Trial, ...] = ()
    commit_seconds: float = 1.0
    board: str = ""
    failed_elsewhere: int = 0


class Merge(Struct, frozen=True, tag="merge"):
    """Merge the accumulators of a fold's run, all of whose shards are complete, and store the finished value."""

    run: str


class Sweep(Struct, frozen=True, tag="sweep"):
    """Measure how the job scales, on a run whose results nobody keeps; a `Measured` answers for each window.

    Attributes:
        work: as for a run, with the most threads.
        order: the threads of each window.
        repeats: how often the order goes through all thread counts.
        seconds: of a window.
    """

    work: Work
    order: tuple[int, ...]
    repeats: int
    seconds: float


class Measured(Struct, frozen=True, tag="measured"):
    """A window of a sweep, and how many of the items so far failed."""

    window: Window
    items: int
    failed: int


class Stop(Struct, frozen=True, tag="stop"):
    """Take no new chunks; finish what runs within the job's grace period, commit, and end."""

    reason: str


class Expire(Struct, frozen=True, tag="expire"):
    """The time of that item is over: end it in its thread."""

    lane: int
    lo: int
    item: int


class Replace(Struct, frozen=True, tag="replace"):
    """End, so that a new worker takes over; that lane, whose item cannot be ended, is not waited for (-1: all are)."""

    lane: int
    reason: str


class Ended(Struct, frozen=True, tag="ended"):
    """The work is over: "done", "interrupted", "failed" or "replaced", and why; the stack of a lane left behind."""

    state: str
    reason: str
    stack: str = ""


class Problem(Struct, frozen=True, tag="problem"):
    """An error that the user is to see."""

    kind: str
    message: str
    where: str | None
    hint: str | None
    signal: int = 0


_READ_BLOCK = 1 << 16

type Message = Load | Loaded | Work | Merge | Sweep | Measured | Stop | Expire | Replace | Ended | Problem


class Channel:
    """One side of the conversation."""

    def __init__(self, reading: IO[bytes], writing: IO[bytes]) -> None:
        self._reading = reading
        self._writing = writing
        self._read = b""
        self._decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)

    def fileno(self) -> int:
        """The reading side, for a selector."""
        return self._reading.fileno()

    def send(self, message: Message) -> None:
        """Say something; a side that is gone is not told."""
        try:
            self._writing.write(msgspec.json.encode(message) + b"\n")
            self._writing.flush()
        except BrokenPipeError, ValueError:
            # What is still held would be tried once more at the process's end, and be told as an exception there.
            with suppress(BrokenPipeError):
                self._writing.close()

    @property
    def pending(self) -> bool:
        """Whether another message has been read already, of which a selector knows nothing."""
        return b"\n" in self._read

    def close(self) -> None:
        """End the conversation from this side."""
        self._reading.close()
        with suppress(BrokenPipeError):
            self._writing.close()

    def receive(self) -> Message | None:
        """Wait for what the other side says; None when it is gone."""
        while not self.pending:
            more = os.read(self.fileno(), _READ_BLOCK)
            if not more:
                return None
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        return self._decoder.decode(line)


def problem_of(error: errors.FtorchError) -> Problem:
    """An error as a message."""
    number = error.signal if isinstance(error, errors.WorkerDied) else 0
    return Problem(type(error).__name__, error.message, error.where, error.hint, number)


def error_of(problem: Problem) -> errors.FtorchError:
    """The error that a message tells of."""
    if problem.kind == errors.WorkerDied.__name__:
        return errors.WorkerDied(problem.signal, problem.message, where=problem.where, hint=problem.hint)
    kind = getattr(errors, problem.kind, errors.FtorchError)
    error = kind(problem.message, where=problem.where, hint=problem.hint)
    assert isinstance(error, errors.FtorchError)
    return error
