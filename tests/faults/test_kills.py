"""kill -9 at random moments: of the worker, of the supervisor, of both."""

import os
import signal
import subprocess
import sys

import msgspec
import pytest

from orchestrator.engine.protocol import Load
from orchestrator.spec.load import dump_job, parse_job
from tests.command import environment
from tests.faults.jobs import KINDS, Strikes
from tests.faults.sittings import Trouble

CASES = [(victim, kind) for kind in KINDS for victim in ("worker", "supervisor", "both")]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("victim", "kind"), CASES)
def test_a_run_that_is_killed_again_and_again_loses_and_repeats_nothing(victim: str, kind: str, strikes: Strikes):
    """Whoever is killed by SIGKILL at whatever moment, the run is brought to its end with the oracle's result."""
    strikes.make(kind, victim, signal.SIGKILL, 1 / len(CASES))


def test_a_worker_whose_supervisor_is_gone_when_it_answers_ends_silently(trouble: Trouble):
    """What cannot be told any more is no exception at the end of the process."""
    trouble.job()
    spec = parse_job((trouble / "job.yaml").read_bytes())
    reading, writing = os.pipe()
    command = [sys.executable, "-P", "-m", "orchestrator.engine", str(writing)]
    streams = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, pass_fds=[writing], env=environment({}), **streams) as worker:
        os.close(reading)
        os.close(writing)
        load = Load(msgspec.Raw(dump_job(spec)), str(trouble.path), {})
        _, said = worker.communicate(msgspec.json.encode(load) + b"\n", timeout=60)
    assert (worker.returncode, said) == (0, b"")
