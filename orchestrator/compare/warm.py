"""The engine's pool with one item at a time: its threads wait for an item, do it, and hand the result over.

Guarantees: the threads, the binding and the loop over items are the engine's own; an item is not pickled. Assumes: one
thread calls `one`.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.compare.base import Assignment
from orchestrator.compare.work import item_maker
from orchestrator.engine.dispenser import Chunk
from orchestrator.engine.handoff import Handoff
from orchestrator.engine.items import run_batches, run_each
from orchestrator.engine.outcome import Outcome
from orchestrator.engine.pace import Pace
from orchestrator.engine.pool import Pool
from orchestrator.errors import FtorchError
from orchestrator.spec.model import JobSpec
from orchestrator.tasks.api import Context
from orchestrator.tasks.bind import State, bind, make_process_state, make_thread_state, own_arguments
from orchestrator.tasks.load import Task, load_task


class WarmPool:
    """Threads with the task bound, waiting.

    Raises:
        TaskError: the task cannot be imported, or its process state cannot be made.
    """

    def __init__(self, spec: JobSpec, assignment: Assignment, items: Sequence[Any]) -> None:
        self._task = load_task(spec.task, Path(assignment.binding.base), spec.arguments)
        self._state = make_process_state(self._task, spec.arguments)
        self._arguments = msgspec.json.encode(spec.arguments)
        make = item_maker(assignment.binding.kind)
        self._items = items if make is None else [make(*fields) for fields in items]
        self._asked: Handoff[Chunk] = Handoff()
        self._done: Handoff[Outcome] = Handoff()
        boards = [memoryview(bytearray(64)).cast("q") for _ in range(assignment.workers)]
        self._pool = Pool(self._lane, _Waiting(self._asked), self._done.put, self._done.close, boards.__getitem__)
        self._pool.allow(assignment.workers)

    def one(self, number: int) -> float:
        """Have an item done; the seconds until its result was in hand."""
        began = time.perf_counter()
        self._asked.put(Chunk(number, number + 1))
        outcome = self._done.take()
        seconds = time.perf_counter() - began
        if outcome is None:
            raise self._pool.error or FtorchError("the pool's threads ended")
        return seconds

    def close(self) -> None:
        """End the threads, and release the states."""
        self._pool.halt()
        self._asked.close()
        self._pool.join(10.0)
        self._state.close()

    def _lane(self, index: int) -> _OneLane:
        arguments = own_arguments(self._arguments)
        state = make_thread_state(self._task, arguments, self._state.value)
        context = Context(self._state.value, state.value, index)
        return _OneLane(self._task, bind(self._task, arguments, context), state, self._items)


class _Waiting:
    """What the pool takes its chunks from: whatever is asked next."""

    unit = "item"

    def __init__(self, asked: Handoff[Chunk]) -> None:
        self._asked = asked

    def take(self, units: int, size: int) -> Chunk | None:  # noqa: ARG002 - one item, whatever a lane would like
        return self._asked.take()


class _OneLane:
    """A lane that does one item, and keeps nothing."""

    unsettled = 0
    stack = ""
    place = ""

    def __init__(self, task: Task, call: Any, state: State, items: Sequence[Any]) -> None:
        self.pace = Pace()
        self._batch = task.options.batch
        self._call = call
        self._state = state
        self._items = items
        self._line = memoryview(bytearray(64)).cast("q")

    def expire(self, lo: int, item: int) -> bool:  # noqa: ARG002 - nobody's time is limited here
        return False

    def next_due(self) -> float | None:
        return None

    def settle(self) -> Outcome | None:
        return None

    def run(self, chunk: Chunk) -> Outcome | None:
        values = self._items[chunk.lo : chunk.hi]
        if self._batch is None:
            results, _ = run_each(self._call, values, 0, self._line)
        else:
            results, _ = run_batches(self._call, values, 0, self._line, self._batch)
        return Outcome(chunk.lo, chunk.hi, None, results, 1, 0)

    def cpu_seconds(self) -> float:
        return time.thread_time()

    def close(self) -> None:
        self._state.close()
