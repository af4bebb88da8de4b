"""The live line of a run on a terminal, four times a second, read from the status board."""

import time
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from orchestrator.report.progress import Odometer, pace_line
from orchestrator.report.words import number
from orchestrator.run.folder import Manifest


class LiveLine:
    """Shows progress on standard error."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._live = Live("", console=self._console, auto_refresh=False, transient=True)
        self._odometer: Odometer | None = None

    def planning(self, entries: int) -> None:
        """Show how much of the input was found."""
        self._show(f"planning: {number(entries)} entries")

    def started(self, manifest: Manifest, board: Path) -> None:
        """Begin to look at a board."""
        self._odometer = Odometer(board, time.monotonic())
        self._show(f"{manifest.id}: starting")

    def follow(self, odometer: Odometer) -> None:
        """Begin to look at a board that something else opened."""
        self._odometer = odometer

    def tick(self) -> None:
        """Look again."""
        pace = self._odometer.read(time.monotonic()) if self._odometer else None
        if pace is not None:
            self._show(pace_line(pace, self._console.width))

    def ended(self) -> None:
        """Remove the line."""
        self._live.stop()

    def _show(self, text: str) -> None:
        self._live.start()
        self._live.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)
