"""What the command line of `ftorch submit` asks for, as data."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for."""

    job: Path | None
    run: Path | None
    resume: bool
    retry_failed: Path | None
    limit: int | None
    threads: int | None
    accept_changes: bool
    overrides: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Telling:
    """How to tell of it."""

    quiet: bool
    as_json: bool
