"""Progress where there is no terminal: a structured log line (JSON) when a run starts, now and then, and at its end."""

import sys
import time
from pathlib import Path

import structlog

from orchestrator.cli.progress import Odometer
from orchestrator.run.folder import Manifest

_EVERY_SECONDS = 10.0


class LogLines:
    """Logs progress to standard error."""

    def __init__(self) -> None:
        self._log = structlog.wrap_logger(
            structlog.PrintLogger(sys.stderr),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(),
            ],
        )
        self._odometer: Odometer | None = None
        self._next = 0.0

    def planning(self, entries: int) -> None:
        """Log how much of the input was found, now and then."""
        if self._due():
            self._log.info("planning", entries=entries)

    def started(self, manifest: Manifest, board: Path) -> None:
        """Log that the run starts."""
        self._log = self._log.bind(run=manifest.id)
        self._log.info("started", folder=str(board.parent.parent.parent))
        self._odometer = Odometer(board)
        self._next = time.monotonic() + _EVERY_SECONDS

    def tick(self) -> None:
        """Log the pace, now and then."""
        if self._due():
            self._say("progress")

    def ended(self) -> None:
        """Log the last pace."""
        self._say("ended")

    def _due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _EVERY_SECONDS
        return True

    def _say(self, event: str) -> None:
        pace = self._odometer.read(time.monotonic()) if self._odometer else None
        if pace is None:
            return
        picture = pace.picture
        self._log.info(
            event,
            items=picture.items,
            total_items=picture.total_items if picture.total_items >= 0 else None,
            bytes=picture.nbytes,
            items_per_second=round(pace.items_per_second, 1),
            seconds_left=None if pace.seconds_left is None else round(pace.seconds_left),
            failed=picture.failed,
            busy=picture.busy,
        )
