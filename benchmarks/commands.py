"""Runs ftorch and its peers as a user does, as commands of their own, and takes their time."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.engine.runreport import RunReport
from orchestrator.measure.node import NodeReport

ROOT = Path(__file__).parents[1]
JOBS = Path(__file__).parent / "jobs"

_serial = count()


class Failed(Exception):
    """A command did not do what it was measured for."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A command that ended well: seconds from its start to its end, and its standard output."""

    seconds: float
    output: bytes


def timed(command: Sequence[str | Path], cwd: Path = ROOT, environment: Mapping[str, str] | None = None) -> Timed:
    """Run a command to its end.

    Raises:
        Failed: its exit code is not 0.
    """
    return Started(command, cwd, environment).wait()


class Started:
    """A command that runs."""

    def __init__(
        self, command: Sequence[str | Path], cwd: Path = ROOT, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = [os.fspath(word) for word in command]
        self._began = time.perf_counter()
        self._process = subprocess.Popen(
            self._command,
            cwd=cwd,
            env={**_plain_environment(), **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def wait(self) -> Timed:
        """Wait for its end.

        Raises:
            Failed: its exit code is not 0.
        """
        output, complaints = self._process.communicate()
        seconds = time.perf_counter() - self._began
        if self._process.returncode:
            raise Failed(f"{self._command}: exit {self._process.returncode}\n{complaints.decode(errors='replace')}")
        return Timed(seconds, output)


def _plain_environment() -> dict[str, str]:
    """The environment without what would change how Python runs: a user's Python keeps its bytecode, for one."""
    changes = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "FTORCH_THREADS")
    return {name: value for name, value in os.environ.items() if name not in changes}


@dataclass(frozen=True, slots=True)
class Submission:
    """A job, and how it is submitted.

    Attributes:
        job: the job file.
        scratch: where the run and the output are put.
        threads: as many; None leaves it to detection.
        sets: fields of the job file, by dotted path; lists and dicts replace what is there.
        limit: at most so many items.
        peak: a file that the supervisor's peak memory is written to.
    """

    job: Path
    scratch: Path
    threads: int | None = None
    sets: Mapping[str, Any] = field(default_factory=dict)
    limit: int | None = None
    peak: Path | None = None

    def command(self, run: Path) -> list[str]:
        """The command line, with the run kept in that folder."""
        ftorch = ["orchestrator"] if self.peak is None else ["benchmarks.supervised", os.fspath(self.peak)]
        words = [sys.executable, "-m", *ftorch, "submit", os.fspath(self.job), "--run", os.fspath(run), "--json"]
        for name, value in self.sets.items():
            words += ["--set", f"{name}={json.dumps(value) if isinstance(value, (list, dict)) else value}"]
        words += [] if self.threads is None else ["--threads", str(self.threads)]
        return words + ([] if self.limit is None else ["--limit", str(self.limit)])


@dataclass(frozen=True, slots=True)
class Submitted:
    """What came of it: seconds of the whole command, and the run's report."""

    seconds: float
    report: RunReport

    @property
    def node(self) -> NodeReport:
        """The one node's report."""
        return self.report.nodes[0]


class Submitting:
    """A job that runs."""

    def __init__(self, submission: Submission) -> None:
        self._run = submission.scratch / f"run-{next(_serial)}"
        self._started = Started(submission.command(self._run))

    def wait(self) -> Submitted:
        """Wait for its end, and remove the run.

        Raises:
            Failed: the run is not done, or an item failed.
        """
        ended = self._started.wait()
        shutil.rmtree(self._run)
        report = msgspec.json.decode(ended.output, type=RunReport)
        if report.state != "done" or report.failed:
            raise Failed(f"the run is {report.state}, with {report.failed} failed items: {report.reason}")
        return Submitted(ended.seconds, report)


def submit(submission: Submission) -> Submitted:
    """Run a job to its end.

    Raises:
        Failed: it ended otherwise than done, or an item failed.
    """
    return Submitting(submission).wait()


def peer(
    module: str, *words: object, python: str = sys.executable, environment: Mapping[str, str] | None = None
) -> dict[str, float]:
    """Run a peer, a module of this package in a process of its own.

    Returns:
        What it printed: `seconds` of the work itself, with its pool up and warm, and `items`; and the seconds of the
        `whole` command.

    Raises:
        Failed: its results were wrong.
    """
    ended = timed([python, "-m", f"benchmarks.{module}", *map(str, words)], environment=environment)
    told: dict[str, float] = json.loads(ended.output)
    return {**told, "whole": ended.seconds}
