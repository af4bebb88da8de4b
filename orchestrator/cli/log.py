"""Progress where there is no terminal: a structured log line (JSON) when a run starts, now and then, and at its end."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from orchestrator.report.progress import Odometer, Pace
from orchestrator.run.folder import Manifest

_EVERY_SECONDS = 10.0


class JsonLog:
    """Writes an event a line to standard error, as JSON, in the field's usual words (event, level, timestamp).

    By hand, as a logging library would take half as long to import as a run of one item takes in all.
    """

    def __init__(self, **bound: object) -> None:
        """Begin; every line has what is bound."""
        self._bound = bound

    def bind(self, **more: object) -> JsonLog:
        """The same log, with more in every line; what was bound by that name before is no longer."""
        return JsonLog(**self._bound | more)

    def info(self, event: str, **values: object) -> None:
        """Write that something happened.

        Raises:
            OSError: standard error cannot be written.
        """
        stamp = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        line = self._bound | values | {"event": event, "level": "info", "timestamp": stamp}
        sys.stderr.write(msgspec.json.encode(line).decode() + "\n")
        sys.stderr.flush()


class LogLines:
    """Logs progress to standard error."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._log = JsonLog()
        self._odometer: Odometer | None = None
        self._next = 0.0

    def planning(self, entries: int) -> None:
        """Log how much of the input was found, now and then."""
        if self._due():
            self._log.info("planning", entries=entries)

    def started(self, manifest: Manifest, board: Path) -> None:
        """Log that the run starts."""
        self._log = self._log.bind(run=manifest.id)
        self._log.info("started", folder=self._run)
        now = time.monotonic()
        self._odometer = Odometer(board, now)
        self._next = now + _EVERY_SECONDS

    def tick(self, stop: str | None = None) -> None:  # noqa: ARG002 - the report says it
        """Look at the board, and log the pace now and then."""
        pace = self._look()
        if pace is not None and self._due():
            self._say("progress", pace)

    def ended(self) -> None:
        """Log the last pace, once."""
        pace, self._odometer = self._look(), None
        if pace is not None:
            self._say("ended", pace)

    def _due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _EVERY_SECONDS
        return True

    def _look(self) -> Pace | None:
        return self._odometer.read(time.monotonic()) if self._odometer else None

    def _say(self, event: str, pace: Pace) -> None:
        picture = pace.picture
        self._log.info(
            event,
            items=picture.items,
            total_items=picture.total_items if picture.total_items >= 0 else None,
            bytes=picture.nbytes,
            items_per_second=round(pace.items_per_second, 1),
            bytes_per_second=round(pace.bytes_per_second),
            seconds_left=None if pace.seconds_left is None else round(pace.seconds_left),
            failed=picture.failed,
            busy=picture.busy,
            threads=picture.target,
        )
