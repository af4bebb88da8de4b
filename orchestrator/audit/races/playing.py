"""Runs a job's task on a sample in this process: one item after the other, or two at a time that meet.

Guarantees: each thread has its own arguments, thread state and context, as in a run. Assumes: the process is there for
this alone, since the task may do anything to it.
"""

import contextvars
import inspect
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from types import CodeType, FunctionType, GeneratorType, ModuleType
from typing import Any, Literal

import msgspec

from orchestrator.audit.races.content import Content, TooLarge
from orchestrator.audit.races.meeting import Meetings
from orchestrator.audit.races.played import Met, Played, Steps, Told
from orchestrator.inputs.base import Piece
from orchestrator.inputs.open import open_source
from orchestrator.spec.model import JobSpec
from orchestrator.tasks.api import Context
from orchestrator.tasks.bind import bind, make_process_state, make_thread_state, own_arguments
from orchestrator.tasks.load import Task, import_task_module, task_of

_SHOWN = 80


class Part(msgspec.Struct, frozen=True):
    """How the sample is run.

    Attributes:
        how: on the main thread; on two threads by turns, with the same delays; or on two threads that meet.
        steps: the items by number, one or two at a time.
        enough: seconds after which no further step is begun.
        chance: how often a thread stops at a place.
        seed: of that chance.
    """

    how: Literal["main", "turns", "meet"]
    steps: Steps
    enough: float
    chance: float = 1
    seed: int = 0


def play(spec: JobSpec, base: Path, part: Part, tell: Callable[[Met], None]) -> Played:
    """Run the sample.

    Args:
        spec: the job.
        base: its folder.
        part: how it is run.
        tell: called with each meeting.

    Raises:
        FtorchError: the task, its state or the input cannot be made.
    """
    target, _, name = spec.task.partition(":")
    module = import_task_module(target, base)
    task = task_of(getattr(module, name, None), spec.task, spec.arguments)
    stage = _Stage(spec, task, module)
    wanted = max((number for step in part.steps for number in step), default=-1) + 1
    sample = [*islice(_items(spec, base), wanted)]
    began = time.monotonic()
    met: list[Met] = []
    if part.how == "main":
        lane = stage.lane(0)
        for step in part.steps:
            stage.told |= {number: lane(sample[number][1]) for number in step if number < len(sample)}
            if time.monotonic() - began > part.enough:
                break
    else:
        meetings = Meetings(_codes(module), part.chance, part.seed, tell)
        meetings.install()
        _on_threads(stage, part, sample, meetings)
        met = meetings.met
    seconds = time.monotonic() - began
    keys = [_shown(repr(key)) for key, _ in sample]
    return Played(str(module.__file__), keys, stage.told, stage.state(), met, seconds)


def _items(spec: JobSpec, base: Path) -> Iterator[tuple[Any, Any]]:
    source = open_source(spec.input, base, spec.remote)
    reader = source.reader()
    try:
        for entry in source.entries():
            for batch in reader.read([Piece(entry, 0, entry.units)]):
                yield from zip(batch.keys(), batch.values, strict=True)
    finally:
        reader.close()


class _Stage:
    """The task, its process state, and what became of the items."""

    def __init__(self, spec: JobSpec, task: Task, module: ModuleType) -> None:
        self.told: dict[int, Told] = {}
        self._task = task
        self._module = module
        self._arguments = msgspec.json.encode(spec.arguments)
        self._process = make_process_state(task, own_arguments(self._arguments))

    def lane(self, index: int) -> Callable[[Any], Told]:
        """The task as the calling thread runs it, with what became of the item as its result."""
        arguments = own_arguments(self._arguments)
        thread = make_thread_state(self._task, arguments, self._process.value)
        function = bind(self._task, arguments, Context(self._process.value, thread.value, index))
        batch = self._task.options.batch is not None
        process = os.getpid()

        def run(item: Any) -> Told:
            try:
                result = function([item])[0] if batch else function(item)
                told = self._returned(result)
            except BaseException as error:
                told = self._raised(error)
            if os.getpid() != process:
                # The task has forked, and the copy came back here: it must not go on with the items.
                os._exit(0)
            return told

        return run

    def _returned(self, result: Any) -> Told:
        text = self._text(result, exact=True)
        return Told("returned", _shown(text or f"<{type(result).__name__}>"), text or "")

    def _raised(self, error: BaseException) -> Told:
        line, trace = 0, error.__traceback__
        while trace is not None:
            line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == self._module.__file__ else line
            trace = trace.tb_next
        name = type(error).__name__
        return Told("raised", _shown(f"{name}: {error}"), name, line)

    def _text(self, value: Any, exact: bool) -> str | None:
        try:
            return Content(self._module.__name__, exact).text(value)
        except TooLarge, RecursionError:
            return None
        except Exception:  # an object of the user's may do anything when it is looked at
            return None

    def state(self) -> dict[str, str]:
        """What the module's variables and the process state hold."""
        shared = {name: value for name, value in vars(self._module).items() if not name.startswith("__")}
        shared["ctx.process"] = self._process.value
        texts = {name: self._text(value, exact=False) for name, value in shared.items()}
        return {name: text for name, text in texts.items() if text is not None}


def _on_threads(stage: _Stage, part: Part, sample: list[tuple[Any, Any]], meetings: Meetings) -> None:
    """Two threads, and for each step a barrier before and after, at which nothing of the task runs."""
    ready, done = threading.Barrier(3), threading.Barrier(3)
    step: tuple[int, ...] = ()
    failed: list[BaseException] = []

    def work(index: int) -> None:
        try:
            lane = stage.lane(index)
        except BaseException as error:
            failed.append(error)
            lane = None
        done.wait()
        while True:
            ready.wait()
            if lane is None or not step:
                return
            # A step of one item takes the threads by turns.
            if index in ((0, 1) if len(step) == 2 else (step[0] % 2,)):
                place = index if len(step) == 2 else 0
                meetings.enter(place)
                stage.told[step[place]] = lane(sample[step[place]][1])
                meetings.leave()
            done.wait()

    threads = [
        threading.Thread(target=work, args=(index,), context=contextvars.Context(), daemon=True) for index in (0, 1)
    ]
    for thread in threads:
        thread.start()
    done.wait()
    began = time.monotonic()
    for step in () if failed else part.steps:
        if time.monotonic() - began > part.enough:
            break
        meetings.begin(step)
        ready.wait()
        done.wait()
    step = ()
    ready.wait()
    if failed:
        raise failed[0]


def _codes(module: ModuleType) -> Iterable[CodeType]:
    """All code of the module's own file that its variables lead to."""
    found: dict[int, CodeType] = {}
    seen: set[int] = set()
    open_: list[Any] = [*vars(module).values()]
    while open_:
        one = open_.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, CodeType):
            if one.co_filename == module.__file__:
                found[id(one)] = one
                open_ += one.co_consts
        elif isinstance(one, FunctionType):
            cells = [cell.cell_contents for cell in one.__closure__ or () if _filled(cell)]
            open_ += [one.__code__, *cells, getattr(one, "__wrapped__", None)]
        elif isinstance(one, type) and one.__module__ == module.__name__:
            open_ += vars(one).values()
        elif isinstance(one, (staticmethod, classmethod)):
            open_.append(one.__func__)
        elif isinstance(one, property):
            open_ += [one.fget, one.fset, one.fdel]
        elif isinstance(one, GeneratorType):
            open_.append(one.gi_code)
        else:
            # What functools.cache and the like have made keeps the function.
            open_.append(inspect.getattr_static(one, "__wrapped__", None))
    return found.values()


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
