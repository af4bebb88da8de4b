"""What the commands print: reports and plans as text or JSON, and progress while a job runs."""

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from orchestrator.cli.streams import say, width_of
from orchestrator.engine.runreport import RunReport
from orchestrator.engine.watcher import Silence, Watcher
from orchestrator.run.folder import Manifest

if TYPE_CHECKING:
    from orchestrator.engine.explain import Explanation


def print_json(value: Any) -> None:
    """Print a value as JSON, indented."""
    say(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_report(report: RunReport) -> None:
    """Print a run's report."""
    from orchestrator.report.text import report_text

    say(report_text(report, width_of(sys.stdout)).rstrip("\n"))


def print_plan(plan: Explanation) -> None:
    """Print what a job would do."""
    from orchestrator.report.text import plan_text

    say(plan_text(plan, width_of(sys.stdout)).rstrip("\n"))


class Unfailing:
    """Shows what another watcher shows, until that fails: a run goes on when its terminal is gone or its log full."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def planning(self, entries: int) -> None:
        """As the other."""
        self._try(lambda: self._watcher.planning(entries))

    def started(self, manifest: Manifest, board: Path) -> None:
        """As the other."""
        self._try(lambda: self._watcher.started(manifest, board))

    def tick(self, stop: str | None = None) -> None:
        """As the other."""
        self._try(lambda: self._watcher.tick(stop))

    def ended(self) -> None:
        """As the other."""
        self._try(self._watcher.ended)

    def _try(self, show: Callable[[], None]) -> None:
        try:
            show()
        except OSError:
            failed, self._watcher = self._watcher, Silence()
            with suppress(OSError):
                failed.ended()


def open_watcher(quiet: bool, run: Path | str) -> Watcher:
    """What shows the progress of a run here: a live line on a terminal, log lines elsewhere, nothing when quiet."""
    if quiet:
        return Silence()
    if sys.stderr.isatty():
        from orchestrator.report.live import LiveLine

        return Unfailing(LiveLine())
    from orchestrator.cli.log import LogLines

    return Unfailing(LogLines(str(run)))
