"""Where a process keeps what is of this machine alone: the status board, and the stack of a crash.

For a run in a folder that is the folder; for one in a bucket a folder of this user's below the temporary folder, or
below FTORCH_SCRATCH. Whoever names the same run on the same machine finds it. A run in a folder imports nothing for it.
"""

import os
import stat
from pathlib import Path

from orchestrator.errors import MachineError
from orchestrator.store.places import is_url


def scratch_of(run: Path | str) -> Path:
    """The folder for a run, by its folder or URL; it need not be there."""
    if isinstance(run, Path) or not is_url(run):
        return Path(run)
    import hashlib

    name = hashlib.sha256(run.encode()).hexdigest()[:16]
    return _base() / f"{run.rstrip('/').rpartition('/')[2]}-{name}"


def board_path(run: Path | str, shard: int) -> Path:
    """Where a shard's status board lies, on this machine: in the run's folder, or its scratch folder."""
    return scratch_of(run) / "shards" / str(shard) / "board"


def make_scratch(run: Path | str) -> None:
    """Make the folder of a run in a bucket; nothing happens for one in a folder.

    Raises:
        MachineError: it cannot be made, or belongs to somebody else.
    """
    folder = scratch_of(run)
    if folder == Path(run):
        return
    base = _base()
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = base.lstat()
        mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise MachineError(
            f"no scratch folder can be made: {error.strerror or error}",
            where=str(base),
            hint="Name another by FTORCH_SCRATCH.",
        ) from error
    if not mine:
        raise MachineError(
            "the scratch folder belongs to somebody else", where=str(base), hint="Name another by FTORCH_SCRATCH."
        )


def remove_scratch(run: Path | str) -> None:
    """Remove the folder of a run in a bucket; nothing happens for one in a folder."""
    folder = scratch_of(run)
    if folder != Path(run):
        import shutil

        shutil.rmtree(folder, ignore_errors=True)


def _base() -> Path:
    named = os.environ.get("FTORCH_SCRATCH")
    if named:
        return Path(named)
    import tempfile

    return Path(tempfile.gettempdir()) / f"ftorch-{os.geteuid()}"
