"""A task bound in a worker of a fleet, and the messages it gets and gives: pickled items in, pickled results out.

Used by processes, interpreters and the Redis fleet alike. Imports nothing that an interpreter of its own may refuse
(msgspec does), so an item of `input: files` is made here from plain data. A worker's functions keep what they have
in this module, since a pool calls a function and nothing else.
"""

import json
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.engine.items import HOLE, run_batches, run_each
from orchestrator.tasks.api import Context
from orchestrator.tasks.bind import bind, make_process_state, make_thread_state
from orchestrator.tasks.load import load_task

PROTOCOL = 5

type Errors = dict[int, str]
"""What items raised ("ValueError: no 3"), by their position in the message."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What a worker needs to bind the task.

    Attributes:
        task, base: the reference, and the folder it starts from.
        arguments: the job's `with:`, as JSON.
        kind: what items are: "file" or "object" (their plain fields each, see `elsewhere.binding`), or "plain".
    """

    task: str
    base: str
    arguments: str
    kind: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a message: its number, the results (an accumulator for a fold; None where an item failed)."""

    number: int
    values: Any
    errors: Errors


class Doer:
    """The task, bound in this process or interpreter, with states of its own.

    Raises:
        TaskError: the task cannot be imported, or a state function raised.
    """

    def __init__(self, binding: Binding, index: int = 0) -> None:
        arguments = json.loads(binding.arguments)
        self._task = task = load_task(binding.task, Path(binding.base), arguments)
        self._process = make_process_state(task, arguments)
        self._thread = make_thread_state(task, arguments, self._process.value)
        self._call = bind(task, arguments, Context(self._process.value, self._thread.value, index))
        self._make = item_maker(binding.kind)
        self._line = memoryview(bytearray(64)).cast("q")

    def do(self, message: bytes) -> bytes:
        """Do a message's items; the reply, pickled. What cannot be pickled is an error of its item."""
        number, wired = pickle.loads(message)
        make = self._make
        values, errors = self.run(wired if make is None else [make(*fields) for fields in wired])
        try:
            return pickle.dumps((number, values, errors), PROTOCOL)
        except Exception as error:
            if self._task.options.fold is not None:
                raise TypeError(f"the fold's accumulator cannot be pickled: {error}") from error
            return pickle.dumps((number, *_picklable(values, errors)), PROTOCOL)

    def run(self, items: Sequence[Any]) -> tuple[Any, Errors]:
        """Do some items: their results, or for a fold the accumulator, and what failed."""
        options = self._task.options
        if options.batch is None:
            results, raised = run_each(self._call, items, 0, self._line)
        else:
            results, raised = run_batches(self._call, items, 0, self._line, options.batch)
        errors = {at: told(error) for at, error in raised.items()}
        if options.fold is None:
            return [None if result is HOLE else result for result in results] if errors else results, errors
        accumulator = options.fold.zero()
        for at, result in enumerate(results):
            if result is HOLE:
                continue
            try:
                accumulator = options.fold.add(accumulator, result)
            except Exception as error:  # noqa: BLE001 - the fold's own code
                errors[at] = told(error)
        return accumulator, errors

    def close(self) -> None:
        """Release the states."""
        self._thread.close()
        self._process.close()


def told(error: BaseException) -> str:
    """An error in one line, the same for every contestant."""
    return f"{type(error).__name__}: {error}"


def item_maker(kind: str) -> Callable[..., Any] | None:
    """What makes an item from its plain fields; None where an item is plain itself."""
    from orchestrator.compare.elsewhere.binding import PlainFile, PlainObject

    if kind != "file":
        return PlainObject if kind == "object" else None
    try:
        from orchestrator.inputs.files import File
    except ImportError:
        return PlainFile
    return File


def _picklable(values: list[Any], errors: Errors) -> tuple[list[Any], Errors]:
    """The values, without those that cannot be pickled."""
    kept, failed = list(values), dict(errors)
    for at, value in enumerate(values):
        try:
            pickle.dumps(value, PROTOCOL)
        except Exception as error:  # noqa: BLE001 - as above
            kept[at], failed[at] = None, f"the result cannot be pickled: {told(error)}"
    return kept, failed


_doer: Doer | None = None
_problem = ""


def begin(binding: Binding, index: int = 0) -> str:
    """Bind the task in this process; what went wrong is told by every `do`, as pools start a worker again otherwise."""
    global _doer, _problem  # noqa: PLW0603 - a worker's one state
    try:
        _doer = Doer(binding, index)
    except Exception as error:  # noqa: BLE001 - importing a task may raise anything
        _problem = told(error)
    return _problem


def begin_and_tell(binding: Binding, up: Any) -> None:
    """Bind the task in this interpreter, and say in a queue that it is ready."""
    begin(binding)
    up.put(True)


def do(message: bytes) -> bytes:
    """Do a message in this worker.

    Raises:
        RuntimeError: the task could not be bound here.
    """
    if _doer is None:
        raise RuntimeError(_problem)
    return _doer.do(message)


def reply_of(data: bytes) -> Reply:
    """A reply, unpickled; classes of the task's own module need the task imported."""
    return Reply(*pickle.loads(data))
