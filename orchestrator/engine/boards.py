"""Where a process of a sharded run keeps what is of this machine alone: its status board, and the stack of a crash.

Guarantees: no other process writes there, not even one of the same shard; what it leaves when it is killed is removed
by the next one that looks. Assumes: the temporary folder is this machine's own.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestrator.engine.board import Board, Picture
from orchestrator.errors import MachineError
from orchestrator.host.processes import started

_BOARD = "board"
_MOST_TRIES = 100


@contextmanager
def own_board(run: str, shard: int) -> Iterator[Path]:
    """Where this process's board of a shard of a run (its URL) is to lie; what lies there is removed at the end.

    Raises:
        MachineError: there is no place for it.
    """
    place = _folder(run)
    mine = place / f"{shard}-{os.getpid()}-{started(os.getpid())}"
    try:
        place.parent.mkdir(mode=0o700, exist_ok=True)
        if place.parent.stat().st_uid != os.geteuid():
            raise PermissionError(None, "it belongs to somebody else")
        _make(mine)
        _sweep(place)
    except OSError as error:
        raise MachineError(
            f"no folder can be made for the status board: {error.strerror or error}",
            where=str(place),
            hint="Name a folder that can be written by TMPDIR.",
        ) from error
    try:
        yield mine / _BOARD
    finally:
        shutil.rmtree(mine, ignore_errors=True)
        with suppress(OSError):
            place.rmdir()


def living_boards(run: str) -> dict[int, list[Path]]:
    """The boards of processes that work on a run (its URL) on this machine, by shard."""
    found: dict[int, list[Path]] = {}
    for path in sorted(_folder(run).glob(f"*/{_BOARD}")):
        shard, _, rest = path.parent.name.partition("-")
        if shard.isdecimal() and _lives(rest):
            found.setdefault(int(shard), []).append(path)
    return found


def read_boards(paths: list[Path]) -> list[Picture]:
    """What the boards show; one that is gone meanwhile, or half made, is passed over."""
    found: list[Picture] = []
    for path in paths:
        try:
            found.append(Board.open(path).read())
        except OSError, ValueError:
            continue
    return found


def _folder(run: str) -> Path:
    name = hashlib.sha256(run.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"ftorch-boards-{os.geteuid()}" / name


def _make(mine: Path) -> None:
    """Make a folder and the one above it, which another process may remove in between, as long as it is empty."""
    for _ in range(_MOST_TRIES):
        mine.parent.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):
            mine.mkdir(exist_ok=True)
            return
    mine.mkdir(exist_ok=True)


def _sweep(place: Path) -> None:
    for folder in place.iterdir():
        if not _lives(folder.name.partition("-")[2]):
            shutil.rmtree(folder, ignore_errors=True)


def _lives(process: str) -> bool:
    pid, _, since = process.partition("-")
    return pid.isdecimal() and since.isdecimal() and started(int(pid)) == int(since)
