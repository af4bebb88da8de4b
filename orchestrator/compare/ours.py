"""ftorch itself as a contestant: a real run for all items, and the engine's own pool, warm, for one at a time.

A run reads the input, computes, encodes, and commits to disk within its seconds; other contestants get their items from
memory and keep their results there. It is resumed from a folder that holds the plan and nothing else.
"""

import shutil
import time
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.compare.base import Assignment, Pass
from orchestrator.compare.messages import Load
from orchestrator.compare.outcome import write_run
from orchestrator.compare.warm import WarmPool
from orchestrator.engine.session import Sitting, resume
from orchestrator.engine.watcher import Silence
from orchestrator.errors import FtorchError
from orchestrator.run.folder import FAILURES
from orchestrator.spec.load import parse_job
from orchestrator.spec.model import JobSpec

_DEATHS_SHOWN = 2


class Threads:
    """Our engine."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._scratch = Path(assignment.scratch)
        self._spec = parse_job(assignment.job.encode())
        self._load = Load(assignment.items)
        self._warm: WarmPool | None = None
        self._serial = count()
        self._last: Path | None = None

    def sizes(self) -> list[int]:
        """Nothing to tune: chunks adapt."""
        return []

    def start(self) -> None:
        """Nothing runs between runs."""

    def first(self) -> None:
        """A run of one item, from its start to its published output."""
        self._run(Path(self._assignment.first))

    def settle(self) -> None:
        """Nothing to wait for."""

    def run(self, size: int) -> Pass:  # noqa: ARG002 - chunks adapt
        """A run of all items; seconds and CPU from its own report, and what the supervisor used besides."""
        before = time.process_time()
        report = self._run(Path(self._assignment.whole))
        used = time.process_time() - before
        node = report.nodes[0]
        more = len(report.restarts) - _DEATHS_SHOWN
        notes = [*node.warnings, *report.restarts[:_DEATHS_SHOWN], *([f"and {more:,} more"] if more > 0 else [])]
        if node.backend.backend != "threads":
            notes.insert(0, f"ran on processes: {node.backend.reason}")
        cpu = node.user_seconds + node.system_seconds + used
        return Pass(node.wall_seconds, 0, cpu, node.peak_rss, "; ".join(notes))

    def save(self, path: str) -> None:
        """Write the last run's results as the others write theirs."""
        assert self._last is not None
        write_run(Path(path), self._output(self._last), self._last / FAILURES, self._load.keys)

    def one(self, number: int) -> float:
        """Hand the item to a waiting thread of the pool, and wait for its result."""
        if self._warm is None:
            self._warm = WarmPool(self._spec, self._assignment, self._load.items)
        return self._warm.one(number)

    def stop(self) -> None:
        """End the pool's threads; runs are over by then."""
        if self._warm is not None:
            self._warm.close()

    def _run(self, template: Path) -> Any:
        folder = self._scratch / f"run-{next(self._serial)}"
        shutil.copytree(template, folder)
        spec, base = self._writing_to(self._output(folder)), Path(self._assignment.binding.base)
        # Accepted: the output's path is another than when the plan was made.
        report = resume(Sitting(spec, base / "job.yaml", folder, accept_changes=True), Silence())
        if not report.nodes or not report.nodes[0].complete:
            raise FtorchError(f"the run ended early: {report.state}: {report.reason}")
        if self._last is not None:
            shutil.rmtree(self._last)
        self._last = folder
        return report

    def _output(self, folder: Path) -> Path:
        return folder / ("out" + Path(self._spec.output.path or "").suffix)

    def _writing_to(self, path: Path) -> JobSpec:
        output = msgspec.structs.replace(self._spec.output, path=str(path))
        return msgspec.structs.replace(self._spec, output=output)
