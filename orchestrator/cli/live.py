"""The live line of a run on a terminal, four times a second, read from the status board."""

import time
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from orchestrator.cli.progress import Odometer, Pace
from orchestrator.report.words import duration, number, size
from orchestrator.run.folder import Manifest

_BAR = 24


class LiveLine:
    """Shows progress on standard error."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._live = Live("", console=self._console, auto_refresh=False, transient=True)
        self._odometer: Odometer | None = None

    def planning(self, entries: int) -> None:
        """Show how much of the input was found."""
        self._live.start()
        self._live.update(Text(f"planning: {number(entries)} entries"), refresh=True)

    def started(self, manifest: Manifest, board: Path) -> None:
        """Begin to look at a board."""
        self._odometer = Odometer(board)
        self._live.start()
        self._live.update(Text(f"{manifest.id}: starting"), refresh=True)

    def tick(self) -> None:
        """Look again."""
        pace = self._odometer.read(time.monotonic()) if self._odometer else None
        if pace is not None:
            self._live.update(Text(line(pace), no_wrap=True, overflow="ellipsis"), refresh=True)

    def ended(self) -> None:
        """Remove the line."""
        self._live.stop()


def line(pace: Pace) -> str:
    """One line: a bar, done and total, rates, the time that is left, failures, busy threads."""
    picture = pace.picture
    parts: list[str] = []
    if pace.fraction is not None:
        full = int(pace.fraction * _BAR)
        parts.append(f"{'━' * full}{'╌' * (_BAR - full)} {100 * pace.fraction:3.0f} %")
    total = f"/{number(picture.total_items)}" if picture.total_items > 0 else ""
    parts.append(f"{number(picture.items)}{total} items")
    parts.append(f"{number(round(pace.items_per_second))}/s")
    if pace.bytes_per_second:
        parts.append(f"{size(pace.bytes_per_second)}/s")
    if pace.seconds_left is not None:
        parts.append(f"{duration(round(pace.seconds_left))} left")
    if picture.failed:
        parts.append(f"{number(picture.failed)} failed")
    parts.append(f"{picture.busy}/{picture.target} threads busy")
    return "  ".join(parts)
