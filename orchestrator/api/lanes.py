"""A thread's lane over items in memory: the engine's, with results that stay what they are and errors that are kept."""

import marshal
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.api.gathering import Caught, ListSink
from orchestrator.api.held import Held
from orchestrator.engine.board import Board
from orchestrator.engine.build import ThreadLane
from orchestrator.engine.execution import Calling
from orchestrator.engine.lane import Unsettled
from orchestrator.engine.segments import FailedAt
from orchestrator.engine.sinks import FoldSink, Sink
from orchestrator.run.records import Failure
from orchestrator.spec.model import Retry
from orchestrator.tasks.api import Context
from orchestrator.tasks.bind import bind, make_thread_state
from orchestrator.tasks.load import Task

_ATOMS = (int, float, complex, str, bytes)


class _HeldLane(ThreadLane):
    def _describe(self, failed: FailedAt, work: Unsettled) -> Failure:
        return Caught.of(super()._describe(failed, work), failed)


def lane_maker(
    task: Task, arguments: Mapping[str, Any], process: Any, held: Held, attempts: int
) -> Callable[[Board, int], ThreadLane]:
    """What makes the lane of a thread, in that thread.

    Args:
        task: what is called.
        arguments: its keyword arguments.
        process: the state that its threads share.
        held: the items.
        attempts: how often one is tried.
    """
    retry, options = Retry(attempts=attempts), task.options

    def make(board: Board, index: int) -> ThreadLane:
        own = {name: _own(value) for name, value in arguments.items()}
        state = make_thread_state(task, own, process)
        call = bind(task, own, Context(process, state.value, index))
        sink: Sink = ListSink() if options.fold is None else FoldSink(options.fold)
        lane = _HeldLane(held.plan(), held.reader(), Calling(call, options.batch, retry), sink, board.line(index))
        lane.state = state
        return lane

    return make


def _own(value: Any) -> Any:
    """A copy whose references no other thread counts, where nobody could tell it from the original."""
    return marshal.loads(marshal.dumps(value)) if type(value) in _ATOMS else value
