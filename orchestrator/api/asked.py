"""What a caller of `run` asked for, checked; and what is decided from it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from orchestrator.engine.gilwatch import warned_of
from orchestrator.errors import JobError
from orchestrator.host.cpus import MOST_THREADS, ThreadDecision, cpu_facts, decide_threads
from orchestrator.host.interpreter import BackendDecision, decide_backend, gil_enabled, interpreter_facts

MOST_ATTEMPTS = 100

type OnError = Literal["quarantine", "raise"]


@dataclass(frozen=True, slots=True)
class Asked:
    """How a task is to be run; the names are those of `orchestrator.run`.

    Raises:
        JobError: one of it is none of what it may be.
    """

    arguments: Mapping[str, Any]
    threads: int | Literal["auto"]
    attempts: int
    on_error: OnError
    progress: bool | None

    def __post_init__(self) -> None:
        if self.threads != "auto" and not _is_whole(self.threads, MOST_THREADS):
            self._refuse("threads", f"a whole number from 1 to {MOST_THREADS}, or 'auto'")
        if not _is_whole(self.attempts, MOST_ATTEMPTS):
            self._refuse("attempts", f"a whole number from 1 to {MOST_ATTEMPTS}")
        if self.on_error not in ("quarantine", "raise"):
            self._refuse("on_error", "'quarantine' or 'raise'")
        given: object = self.arguments
        if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
            self._refuse("arguments", "a dict of keyword arguments for the task")

    def _refuse(self, name: str, expected: str) -> None:
        raise JobError(f"found {getattr(self, name)!r}, expected {expected}", where=f"run({name}=)")


def _is_whole(value: object, most: int) -> bool:
    return type(value) is int and 1 <= value <= most


def threads_of(asked: Asked) -> ThreadDecision:
    """How many threads, and why: as a job's, but for the words.

    Raises:
        JobError: FTORCH_THREADS is no number of threads.
    """
    decision = decide_threads(asked.threads, "cpu", "floor", os.environ, cpu_facts())
    return decision if asked.threads == "auto" else msgspec.structs.replace(decision, reason="asked for by threads=")


def backend_here() -> BackendDecision:
    """Threads, whatever the interpreter; where the GIL is on, its warnings say so."""
    decision = decide_backend("threads", "preferred", interpreter_facts(), gil_culprit())
    return msgspec.structs.replace(decision, reason="run() computes in this process")


def gil_culprit() -> str | None:
    """The module that turned the GIL on, where it is on and that is known."""
    return warned_of() if gil_enabled() else None
