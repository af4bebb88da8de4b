"""The live line of a run on a terminal, four times a second, read from the status board.

Rich is imported when there is something to show: a run of a second would wait for it in vain otherwise.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.report.progress import Odometer, pace_line
from orchestrator.report.words import count, number
from orchestrator.run.folder import Manifest

if TYPE_CHECKING:
    from rich.live import Live


class LiveLine:
    """Shows progress on standard error."""

    def __init__(self) -> None:
        self._live: Live | None = None
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

    def tick(self, stop: str | None = None) -> None:
        """Look again."""
        pace = self._odometer.read(time.monotonic()) if self._odometer else None
        if pace is not None and stop is not None:
            self._show(f"{stop}: waiting for {count(pace.picture.busy, 'item')}; Ctrl-C again ends it at once")
        elif pace is not None:
            self._show(pace_line(pace, self._begun().console.width))

    def ended(self) -> None:
        """Remove the line."""
        if self._live is not None:
            self._live.stop()

    def _show(self, text: str) -> None:
        from rich.text import Text

        live = self._begun()
        live.start()
        live.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)

    def _begun(self) -> Live:
        if self._live is None:
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True, highlight=False)
            self._live = Live("", console=console, auto_refresh=False, transient=True)
        return self._live
