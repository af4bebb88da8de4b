"""`run`: a task over the items of a program, in this process, on the engine's threads."""

import time
import warnings
from collections.abc import Callable
from typing import Any

from orchestrator.api.asked import Asked, backend_here, gil_culprit, threads_of
from orchestrator.api.going import Going
from orchestrator.api.held import hold
from orchestrator.api.lanes import lane_maker
from orchestrator.api.ran import Ran
from orchestrator.engine.nodereport import Decided
from orchestrator.host.interpreter import gil_enabled
from orchestrator.tasks.bind import make_process_state
from orchestrator.tasks.load import task_of

_CALLER = 3


def run(function: Callable[..., Any], items: Any, asked: Asked) -> Ran[Any]:
    """Call the function on each item; see `orchestrator.run`."""
    task = task_of(function, getattr(function, "__name__", None) or repr(function), asked.arguments)
    held, threads = hold(items), threads_of(asked)
    started = time.perf_counter()
    state = make_process_state(task, asked.arguments)
    backend = backend_here()
    if gil_enabled():
        for text in backend.warnings:
            warnings.warn(text, RuntimeWarning, stacklevel=_CALLER)
    decided = Decided(threads, backend, time.perf_counter() - started, gil_culprit(), [])
    going = Going(asked, held, decided, lane_maker(task, asked.arguments, state.value, held, asked.attempts))
    try:
        return going.run(task.options.fold)
    finally:
        if going.ended:
            state.close()
