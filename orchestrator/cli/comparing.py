"""How `ftorch compare` shows its progress, and what it found."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec

from orchestrator.cli.log import JsonLog
from orchestrator.cli.show import print_json
from orchestrator.cli.streams import complain, say, width_of
from orchestrator.compare.results import Comparison
from orchestrator.compare.text import comparison_text
from orchestrator.errors import StoreUnavailable
from orchestrator.report.comparisons import keep_comparison


class Progress(Protocol):
    """Shows what begins."""

    def __call__(self, doing: str) -> None:
        """Show it."""
        ...

    def ended(self) -> None:
        """Nothing more comes."""
        ...


class Line:
    """One line on a terminal, written over again and again."""

    def __call__(self, doing: str) -> None:
        """Show it."""
        width = (width_of(sys.stderr) or 80) - 1
        with suppress(OSError):
            sys.stderr.write(f"\r\x1b[K{doing[:width]}")
            sys.stderr.flush()

    def ended(self) -> None:
        """Remove the line."""
        with suppress(OSError):
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


class Log:
    """A JSON line each, where there is no terminal."""

    def __init__(self) -> None:
        self._log = JsonLog()

    def __call__(self, doing: str) -> None:
        """Log it."""
        with suppress(OSError):
            self._log.info("compare", doing=doing)

    def ended(self) -> None:
        """Nothing is left to say."""


def open_teller() -> Progress:
    """What shows progress here."""
    return Line() if sys.stderr.isatty() else Log()


def print_comparison(found: Comparison, as_json: bool) -> None:
    """Print what was found."""
    if as_json:
        print_json(found)
    else:
        say(comparison_text(found, width_of(sys.stdout)).rstrip("\n"))


def keep(base: Path, found: Comparison) -> None:
    """Keep what was found beside the job, for the reports of its runs; a place that cannot be written is told."""
    try:
        keep_comparison(base, found.job, msgspec.json.encode(found))
    except StoreUnavailable as error:
        complain(f"ftorch: not kept for reports: {error.message}")
