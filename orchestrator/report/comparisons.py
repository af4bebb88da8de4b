"""Comparisons that `ftorch compare` kept: plain JSON beside the jobs, found again by a job's name.

`.ftorch/compare/<job>-<time>-<hex>.json` below the folder of the job file holds what `ftorch compare --json` prints. Of
that is read here what a report can be held against.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from orchestrator.errors import JobError
from orchestrator.run.folder import new_run_id
from orchestrator.store.local import LocalStore

FOLDER = ".ftorch/compare"
_HINT = "It must be what `ftorch compare JOB --json` prints, or one of the files in .ftorch/compare."


class Spread(Struct, frozen=True):
    """The median of the rounds, the least and the most."""

    median: float
    least: float
    most: float


class RowFigures(Struct, frozen=True):
    """A row's figures: its rate over that of threads, CPU seconds, bytes at most, and bytes of one worker process."""

    rounds: int
    ratio: Spread | None
    cpu_seconds: float | None
    peak: int
    worker: int = 0


class ComparedRow(Struct, frozen=True):
    """A contestant; without figures where it was refused."""

    name: str
    refused: str = ""
    figures: RowFigures | None = None


class Compared(Struct, frozen=True):
    """A comparison, as far as it is read.

    Attributes:
        job, task: of which job.
        items, chosen: how many items were compared, and which.
        workers, cpus: of each row, and what the machine let them use.
        rows: the contestants.
        created, machine: when and where.
        file: where this was read.
    """

    job: str
    task: str
    items: int
    chosen: str
    workers: int
    cpus: float
    rows: list[ComparedRow]
    created: float = 0.0
    machine: str = ""
    file: str = ""

    def figures(self, name: str) -> RowFigures | None:
        """The figures of a row; None where it has none."""
        return next((row.figures for row in self.rows if row.name == name), None)


def keep_comparison(base: Path, job: str, data: bytes) -> Path:
    """Keep a comparison of a job in `base`; the file.

    Raises:
        StoreUnavailable: it cannot be written there.
    """
    name = f"{new_run_id(job)}.json"
    LocalStore(base / FOLDER).put(name, [data])
    return base / FOLDER / name


def read_comparison(path: Path) -> Compared:
    """The comparison in a file.

    Raises:
        JobError: it cannot be read, or is none.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Compared)
    except OSError as error:
        raise JobError(f"the comparison cannot be read: {error.strerror}", where=str(path), hint=_HINT) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise JobError(f"the file is no comparison: {error}", where=str(path), hint=_HINT) from None
    return msgspec.structs.replace(found, file=str(path))


def kept_comparisons(base: Path) -> Iterator[tuple[Path, Compared]]:
    """All that are kept in `base`, with their files; what is no comparison is passed over."""
    for path in sorted((base / FOLDER).glob("*.json")):
        with suppress(JobError):
            yield path, read_comparison(path)


def newest_comparison(base: Path, job: str, name: str) -> Compared | None:
    """The newest kept comparison of a job that has figures of the contestant `name`; None where there is none."""
    newest: Compared | None = None
    for _, found in kept_comparisons(base):
        is_one = found.job == job and found.figures(name) is not None
        if is_one and (newest is None or found.created >= newest.created):
            newest = found
    return newest
