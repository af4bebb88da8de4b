"""A run's progress: a live line on a terminal, one that is written over itself in a notebook, nothing elsewhere."""

import sys
import time
from contextlib import suppress
from typing import Protocol

from orchestrator.engine.board import Board
from orchestrator.report.progress import Odometer, pace_line

_SHOWN_AFTER = 0.5
_WIDTH = 100


class Line(Protocol):
    """Something that shows how it goes."""

    def tick(self) -> None:
        """Look again."""
        ...

    def ended(self) -> None:
        """Remove it."""
        ...


class Shown:
    """Shows progress from half a second on, so that what is short shows nothing and loads nothing.

    Args:
        wanted: True, False, or None for where somebody may be looking: a terminal or a notebook.
        board: what to look at.
    """

    def __init__(self, wanted: bool | None, board: Board) -> None:
        self._wanted = _somebody_looks() if wanted is None else wanted
        self._since = time.monotonic()
        self._odometer = Odometer(board, self._since)
        self._line: Line | None = None

    def tick(self) -> None:
        """Look again."""
        if not self._wanted or time.monotonic() - self._since < _SHOWN_AFTER:
            return
        try:
            if self._line is None:
                self._line = _line(self._odometer)
            self._line.tick()
        except OSError:
            # Nobody can read it: the terminal went away.
            self._wanted = False

    def ended(self) -> None:
        """Remove what was shown."""
        if self._line is not None:
            with suppress(OSError):
                self._line.ended()


class OverwrittenLine:
    """A line of text on standard error that is written over itself."""

    def __init__(self, odometer: Odometer) -> None:
        self._odometer = odometer
        self._length = 0

    def tick(self) -> None:
        """Look again."""
        pace = self._odometer.read(time.monotonic())
        if pace is not None:
            self._write(pace_line(pace, _WIDTH))

    def ended(self) -> None:
        """Remove it."""
        self._write("")
        self._write("")

    def _write(self, text: str) -> None:
        sys.stderr.write(f"\r{text:<{self._length}}")
        sys.stderr.flush()
        self._length = len(text)


def _somebody_looks() -> bool:
    return sys.stderr is not None and (sys.stderr.isatty() or type(sys.stderr).__module__.startswith("ipykernel"))


def _line(odometer: Odometer) -> Line:
    if not sys.stderr.isatty():
        return OverwrittenLine(odometer)
    from orchestrator.report.live import LiveLine

    line = LiveLine()
    line.follow(odometer)
    return line
