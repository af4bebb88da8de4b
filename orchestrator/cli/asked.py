"""What the command line of `ftorch submit` asks for, as data."""

from pathlib import Path

from msgspec import Struct


class Asked(Struct, frozen=True):
    """What the command line asks for."""

    job: Path | None
    run: Path | str | None
    resume: bool
    retry_failed: Path | str | None
    limit: int | None
    threads: int | None
    accept_changes: bool
    overrides: tuple[str, ...]
    shard: str | None = None


class Telling(Struct, frozen=True):
    """How to tell of it."""

    quiet: bool
    as_json: bool
    metrics: str | None = None
