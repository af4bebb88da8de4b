"""Says what a job can reach that would turn the GIL on, at no cost to its start.

Guarantees: what is known from an earlier look is told before the run; else a run that goes on for some seconds has its
job looked at beside its work, by one thread, and is told at its end. Nothing that goes wrong there disturbs the run.
"""

import threading
from pathlib import Path
from typing import Self

from orchestrator.audit.foresight import known, look
from orchestrator.cli.streams import complain
from orchestrator.run.commands import quoted

_LONG = 3.0
"""Seconds after which a run is long enough for a look, which takes some tenths of one."""


class Foretelling:
    """A context manager around a run.

    Args:
        task: the task's reference.
        job_file: the job file.
        after: seconds of the run after which it is looked at, if nothing is known.
    """

    def __init__(self, task: str, job_file: Path, after: float = _LONG) -> None:
        self._task = task
        self._job_file = job_file
        self._found: list[str] = []
        self._timer = threading.Timer(after, self._look)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        before = known(self._task, self._job_file.parent)
        if before is None:
            self._timer.start()
        else:
            self._tell(before)
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._tell(self._found)

    def _look(self) -> None:
        try:
            self._found = look(self._task, self._job_file.parent)
        except Exception:  # noqa: BLE001 - files of other people are read here; the run matters more than a hint
            return

    def _tell(self, lines: list[str]) -> None:
        for line in lines:
            complain(f"ftorch: {line}\n  `ftorch audit {quoted(self._job_file)}` says what to do about it.")
