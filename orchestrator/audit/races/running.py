"""Races by running: a job's task on a few of its items, in other processes, one at a time and two at a time.

Guarantees: nothing of it is left running, and it takes a few seconds at most but for a task that hangs. Assumes:
running an item more than once does no harm, as for a run that is resumed.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec

from orchestrator.audit.races.played import Tried
from orchestrator.audit.races.rules import found
from orchestrator.host.native import native_pool_caps
from orchestrator.spec.load import dump_job
from orchestrator.spec.model import JobSpec

BUDGET = 0.4
"""Seconds of CPU time that trying a task may take, where it is not told otherwise."""

_STAGE = "orchestrator.audit.races.stage"
_LIMIT = 240.0


class Stage:
    """The process in which it is done, started ahead of what it is asked; to be used in a `with` block."""

    def __init__(self) -> None:
        self._answer = os.memfd_create("answer")
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", _STAGE],
            stdin=subprocess.PIPE,
            stdout=self._answer,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            # As the worker has it; and a library that starts no threads need be imported but once.
            env=os.environ | native_pool_caps(os.environ, 2),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # The task may have started others, which are still there.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        os.close(self._answer)

    def run(self, spec: JobSpec, base: Path, budget: float) -> Tried:
        """Run the task on a sample of the job's items; arguments as for `run_races`."""
        request = {"job": dump_job(spec), "base": str(base), "budget": budget}
        with suppress(subprocess.TimeoutExpired):
            self._process.communicate(msgspec.msgpack.encode(request), _LIMIT)
        data = os.pread(self._answer, os.fstat(self._answer).st_size, 0)
        if data:
            return msgspec.json.decode(data, type=Tried)
        message = "the task was not tried on threads: what tries it was ended"
        return Tried([found("FT311", message, (spec.task, 0))])


def run_races(spec: JobSpec, base: Path, budget: float = BUDGET) -> Tried:
    """Run the task on a sample of the job's items, and say what differs where two threads run it.

    Args:
        spec: the job.
        base: its folder.
        budget: seconds of CPU time that all runs may take, about.

    Returns:
        FT301 to FT304 for races, FT310 and FT311 where nothing could be told.
    """
    with Stage() as stage:
        return stage.run(spec, base, budget)
