"""What the commands print: reports and plans as text or JSON, and progress while a job runs."""

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from orchestrator.engine.explain import Explanation
from orchestrator.engine.runreport import RunReport
from orchestrator.engine.session import Watcher
from orchestrator.report.text import plan_text, report_text
from orchestrator.run.folder import Manifest


def print_json(value: Any) -> None:
    """Print a value as JSON, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_report(report: RunReport) -> None:
    """Print a run's report."""
    click.echo(report_text(report), nl=False)


def print_plan(plan: Explanation) -> None:
    """Print what a job would do."""
    click.echo(plan_text(plan), nl=False)


class Silence:
    """Shows nothing."""

    def planning(self, entries: int) -> None:
        """Nothing."""

    def started(self, manifest: Manifest, board: Path) -> None:
        """Nothing."""

    def tick(self) -> None:
        """Nothing."""

    def ended(self) -> None:
        """Nothing."""


def open_watcher(quiet: bool) -> Watcher:
    """What shows progress here: a live line on a terminal, log lines elsewhere, nothing when quiet."""
    if quiet:
        return Silence()
    if sys.stderr.isatty():
        from orchestrator.cli.live import LiveLine

        return LiveLine()
    from orchestrator.cli.log import LogLines

    return LogLines()
