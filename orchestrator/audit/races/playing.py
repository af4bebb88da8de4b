"""Runs a job's task on a sample in this process: one item after the other, or two at a time that meet.

Guarantees: each thread has its own arguments, thread state and context, as in a run. Assumes: the process is there for
this alone, since the task may do anything to it.
"""

import contextvars
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from orchestrator.audit.races.content import Content, TooLarge
from orchestrator.audit.races.forks import Last
from orchestrator.audit.races.meeting import Meetings
from orchestrator.audit.races.played import Part, Played, Told
from orchestrator.audit.races.ready import Ready
from orchestrator.tasks.api import Context
from orchestrator.tasks.bind import bind, make_process_state, make_thread_state, own_arguments

FEW = 4
"""As many items as are tried where they take their time."""
_SHOWN = 80
_BY_VALUE = (int, float, complex, str, bytes, tuple, frozenset, type(None))


def play(ready: Ready, part: Part, last: Last) -> Played:
    """Run the sample.

    Args:
        ready: what it starts from.
        part: how it is run.
        last: told each meeting.

    Raises:
        FtorchError: the task's state cannot be made.
    """
    stage = _Stage(ready)
    if part.how == "main":
        files, met, seconds = [], [], _in_turn(stage, part, ready.sample)
    else:
        watched = ready.watched
        last.files = watched.files
        meetings = Meetings(watched, part, last.tell)
        meetings.install(ready.own)
        seconds = _on_threads(stage, part, ready.sample, meetings)
        files, met = watched.files, meetings.met
    keys = [_shown(repr(key)) for key, _ in ready.sample]
    return Played(files or ready.files, keys, stage.told, stage.state(), met, seconds)


def _in_turn(stage: _Stage, part: Part, sample: Sequence[tuple[Any, Any]]) -> float:
    """One item after the other on this thread, until there were enough; how long it took."""
    lane, began = stage.lane(0), time.monotonic()
    for step in part.steps:
        stage.told |= {number: lane(sample[number][1]) for number in step if number < len(sample)}
        seconds = time.monotonic() - began
        if seconds > part.enough or (seconds > part.few and len(stage.told) >= FEW):
            break
    return time.monotonic() - began


class _Stage:
    """The task, its process state, and what became of the items."""

    def __init__(self, ready: Ready) -> None:
        self.told: dict[int, Told] = {}
        self._task = ready.task
        self._own = ready.own
        self._file = ready.files[0]
        self._names: frozenset[str] = frozenset()
        self._modules = 0
        self._arguments = msgspec.json.encode(ready.arguments)
        self._process = make_process_state(self._task, own_arguments(self._arguments))

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
            line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == self._file else line
            trace = trace.tb_next
        name = type(error).__name__
        return Told("raised", _shown(f"{name}: {error}"), name, line)

    def _text(self, value: Any, exact: bool) -> str | None:
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            self._names = frozenset(one.__name__ for one in self._own.modules())
        try:
            return Content(self._names, exact).text(value)
        except TooLarge, RecursionError:
            return None
        except Exception:  # an object of the user's may do anything when it is looked at
            return None

    def state(self) -> dict[str, str]:
        """What the modules' variables and the process state hold; those beside the task's have their module's name."""
        shared: dict[str, Any] = {}
        seen: set[int] = set()
        for number, module in enumerate(self._own.modules()):
            prefix = f"{module.__name__}." if number else ""
            for name, one in vars(module).items():
                # What two modules have under a name each is told once.
                if not name.startswith("__") and id(one) not in seen:
                    shared[f"{prefix}{name}"] = one
                    seen |= set() if isinstance(one, _BY_VALUE) else {id(one)}
        shared["ctx.process"] = self._process.value
        texts = {name: self._text(value, exact=False) for name, value in shared.items()}
        return {name: text for name, text in texts.items() if text is not None}


def _on_threads(stage: _Stage, part: Part, sample: Sequence[tuple[Any, Any]], meetings: Meetings) -> float:
    """Two threads; before and after each step a barrier, at which nothing of the task runs. Gives how long it took."""
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
    return time.monotonic() - began


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
