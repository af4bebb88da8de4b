"""Puts a thread's lane together: reader, task, sink and board line. The same for a thread and for a child process."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from orchestrator.engine.board import Board
from orchestrator.engine.execution import Calling
from orchestrator.engine.lane import Lane, Plan
from orchestrator.engine.sinks import EncoderSink, FoldSink, Sink
from orchestrator.engine.spill import Spill
from orchestrator.inputs.base import Reader
from orchestrator.inputs.open import open_source
from orchestrator.outputs.base import Encoder
from orchestrator.outputs.open import open_encoder
from orchestrator.run.folder import Manifest
from orchestrator.run.plan import PlanReader, read_index
from orchestrator.spec.model import JobSpec
from orchestrator.store.base import Store
from orchestrator.tasks.api import Context
from orchestrator.tasks.bind import State, bind, make_thread_state, own_arguments
from orchestrator.tasks.load import Task


class LaneParts(Struct, frozen=True):
    """What every lane of a worker is made from.

    Attributes:
        store, manifest: the run.
        task, process: the imported task, and the state its threads share.
        board: where the lanes tell what they do.
        output: the root of the output's tree ("" for other formats).
        replace: a tree's files may replace existing ones.
        pins: the CPU for each lane, where the job pins its threads; else empty.
        alone: whether all lanes of the run are in this process.
        spools: the folder for results that are too many for memory; None where they stay there.
    """

    store: Store
    manifest: Manifest
    task: Task
    process: Any
    board: Board
    output: str
    replace: bool
    pins: tuple[int, ...] = ()
    alone: bool = True
    spools: Path | None = None


class ThreadLane(Lane):
    """A lane with the thread state that it cleans up at its end."""

    state: State

    def close(self) -> None:
        """Release the reader and the thread's state."""
        super().close()
        self.state.close()


def make_lane(parts: LaneParts, index: int) -> ThreadLane:
    """A new lane, made in the thread that will use it.

    Raises:
        TaskError: the task's thread state cannot be made.
    """
    spec, task = parts.manifest.spec, parts.task
    arguments = own_arguments(msgspec.json.encode(spec.arguments))
    _pin(spec, parts.pins, index)
    state = make_thread_state(task, arguments, parts.process)
    call = bind(task, arguments, Context(parts.process, state.value, index))
    source = open_source(spec.input, Path(parts.manifest.base), spec.remote)
    reader = source.reader()
    lane = ThreadLane(
        plan=_plan(parts, reader),
        reader=reader,
        calling=Calling(call, task.options.batch, spec.retry),
        sink=_sink(parts),
        line=parts.board.line(index),
    )
    lane.state = state
    if parts.spools is not None and task.options.fold is None:
        lane.spill = Spill(parts.spools)
    return lane


def _plan(parts: LaneParts, reader: Reader) -> Plan:
    """What tells a lane its stretches; a reader that downloads ahead is told of the plan, too."""
    index = read_index(parts.store)
    plan = PlanReader(parts.store, index)
    follow: Callable[..., Plan] | None = getattr(reader, "follow", None)
    if follow is None:
        return plan
    return follow(plan, PlanReader(parts.store, index), index.shards if parts.alone else (), index.attempt)


def _pin(spec: JobSpec, pins: tuple[int, ...], index: int) -> None:
    """Keep the calling thread on its CPU (Linux; nothing happens elsewhere)."""
    if spec.resources.pin and index < len(pins) and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {pins[index]})


def _sink(parts: LaneParts) -> Sink:
    fold = parts.task.options.fold
    if fold is not None:
        return FoldSink(fold)
    make: Callable[..., Encoder] = open_encoder
    spec = parts.manifest.spec
    return EncoderSink(make(spec.output, parts.manifest.output_format, parts.output, parts.replace, spec.remote))
