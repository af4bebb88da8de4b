"""Who is told what a sitting does."""

from pathlib import Path
from typing import Protocol

from orchestrator.run.folder import Manifest


class Watcher(Protocol):
    """Who is told what a sitting does, to show it."""

    def planning(self, entries: int) -> None:
        """So many entries of the input were found so far."""
        ...

    def started(self, manifest: Manifest, board: Path) -> None:
        """The worker is at work and writes that board."""
        ...

    def tick(self, stop: str | None = None) -> None:
        """Time to look at the board again (four times a second); `stop` says why the run is being ended, if it is."""
        ...

    def ended(self) -> None:
        """The worker has ended."""
        ...


class Silence:
    """Shows nothing."""

    def planning(self, entries: int) -> None:
        """Nothing."""

    def started(self, manifest: Manifest, board: Path) -> None:
        """Nothing."""

    def tick(self, stop: str | None = None) -> None:
        """Nothing."""

    def ended(self) -> None:
        """Nothing."""
