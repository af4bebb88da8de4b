"""Races by running: a job's task on a few of its items, in other processes, one at a time and two at a time.

Guarantees: nothing of it is left running, and it takes a few seconds at most but for a task that hangs. Assumes:
running an item more than once does no harm, as for a run that is resumed.
"""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import msgspec

from orchestrator.audit.findings import Finding
from orchestrator.audit.races.rules import found
from orchestrator.spec.load import dump_job
from orchestrator.spec.model import JobSpec

_STAGE = "orchestrator.audit.races.stage"
_LIMIT = 120.0


def run_races(spec: JobSpec, base: Path) -> list[Finding]:
    """Run the task on a sample of the job's items, and say what differs where two threads run it.

    Args:
        spec: the job.
        base: its folder.

    Returns:
        FT301 to FT304 for races, FT310 and FT311 where nothing could be told.
    """
    request = msgspec.msgpack.encode({"job": dump_job(spec), "base": str(base)})
    with tempfile.TemporaryFile() as answer:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", _STAGE],
            stdin=subprocess.PIPE,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            with suppress(subprocess.TimeoutExpired):
                process.communicate(request, _LIMIT)
        finally:
            # The task may have started others, which are still there.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        answer.seek(0)
        data = answer.read()
    if data:
        return msgspec.json.decode(data, type=list[Finding])
    return [found("FT311", "the task was not tried on threads: what tries it was ended", (spec.task, 0))]
