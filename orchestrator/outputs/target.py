"""Where a job's results go: deciding it, and making sure before anything runs that they can be put there."""

import errno
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from orchestrator.errors import OutputError
from orchestrator.outputs.atomic import is_temporary, temporary_names
from orchestrator.spec.model import Output, Remote
from orchestrator.store.places import is_url, parse_place

SUFFIXES = {"jsonl": ".jsonl", "csv": ".csv", "text": ".txt", "json": ".json", "tree": "", "none": ""}
_PART = re.compile(r"part-\d{5,}\.[a-z]+")
_WHERE = "output.path"


class Target(Struct, frozen=True):
    """Where the results go.

    Attributes:
        path: the file, or the folder of parts or of the tree; nothing is written there for the format "none".
        format: "jsonl", "csv", "text", "tree", "json" or "none".
        parts: whether it is a folder of part files.
        overwrite: whether what is there already is replaced.
        url: where it is, if in a bucket; `path` means nothing then.
    """

    path: Path
    format: str
    parts: bool
    overwrite: bool
    url: str = ""

    @property
    def shown(self) -> str:
        """The path or URL as text."""
        return self.url or str(self.path)

    @property
    def folder(self) -> bool:
        """Whether the path is a folder."""
        return self.parts or self.format == "tree"

    @property
    def suffix(self) -> str:
        """The suffix of a file of this format, with its dot."""
        return SUFFIXES[self.format]


def target_of(output: Output, format: str, base: Path, name: str) -> Target:  # noqa: A002
    """Decide where the results go; touches nothing.

    A path that ends with `/` means a folder of parts (for the format "tree" any path is a folder). Without a
    path it is `out/<name>` with the format's suffix.

    Args:
        output: the job's output.
        format: its format, never "auto".
        base: the folder that a relative path starts from.
        name: the job's name.

    Raises:
        JobError: the path is a URL that can be none.
    """
    written = output.path or f"out/{name}{SUFFIXES[format]}"
    parts = written.endswith("/") and format in {"jsonl", "csv", "text"}
    if is_url(written) and format != "none":
        return Target(Path(), format, parts, output.overwrite, parse_place(written).url)
    path = base / written
    if path.is_symlink():
        path = path.resolve()
    return Target(path, format, parts, output.overwrite)


def check_output(output: Output, format: str, base: Path, name: str, remote: Remote | None = None) -> Target:  # noqa: A002
    """Decide where the results go and make sure that they can; nothing stays written.

    Raises:
        OutputError: something is there already, a folder stands where a file is meant or the reverse, or the
            place cannot be written.
    """
    target = target_of(output, format, base, name)
    if target.url:
        from orchestrator.outputs.remote import check_remote

        check_remote(target, Remote() if remote is None else remote)
    else:
        check_target(target)
    return target


def check_target(target: Target) -> None:
    """Make sure that results can be written to a target: a file is really made beside it, and removed.

    Raises:
        OutputError: they cannot.
    """
    if target.format == "none":
        return
    try:
        if target.folder:
            _check_folder(target)
        else:
            _check_file(target)
    except OSError as error:
        raise _unwritable(target.path, error) from None


def foreign_names(folder: Path) -> list[str]:
    """The names in a folder that no folder of parts has, sorted."""
    return sorted(name for name in os.listdir(folder) if not (_PART.fullmatch(name) or is_temporary(name)))


def exists_already(path: Path) -> OutputError:
    """The error for an output that is there."""
    hint = "Set output.overwrite: true to replace it, or give another output.path."
    return OutputError(f"{path} is there already", where=_WHERE, hint=hint)


def _check_file(target: Target) -> None:
    path = target.path
    found = _mode(path)
    if found is not None and stat.S_ISDIR(found):
        hint = f"Name a file in it, or end the path with / for a folder of part files: {path}/"
        raise OutputError(f"{path} is a folder; a file is to be written", where=_WHERE, hint=hint)
    if found is not None and not stat.S_ISREG(found):
        hint = "Give the path of a file; what reads from a pipe can read the file afterwards."
        raise OutputError(f"{path} is no regular file", where=_WHERE, hint=hint)
    if found is not None and not target.overwrite:
        raise exists_already(path)
    _probe(path.parent)


def _check_folder(target: Target) -> None:
    path = target.path
    found = _mode(path)
    if found is None:
        _probe(path.parent)
        return
    if not stat.S_ISDIR(found):
        hint = "Remove it, or give another output.path."
        raise OutputError(f"{path} is a file; a folder is to be written", where=_WHERE, hint=hint)
    if os.listdir(path) and not target.overwrite:
        raise exists_already(path)
    if target.parts and (others := foreign_names(path)):
        hint = "A folder of parts is replaced as a whole. Move the others away, or give another output.path."
        raise OutputError(f"{path} holds other files than parts: {others[0]!r}", where=_WHERE, hint=hint)
    _probe(path)
    if target.parts:
        _probe(path.parent)


def _probe(folder: Path) -> None:
    """Make and remove a file in a folder, or in the nearest one above it that there is."""
    while _mode(folder) is None:
        folder = folder.parent
    if not folder.is_dir():
        hint = "Remove it, or give another output.path."
        raise OutputError(f"{folder} is a file; a folder is needed there", where=_WHERE, hint=hint)
    probe = folder / temporary_names()()
    try:
        probe.touch(exist_ok=False)
    finally:
        probe.unlink(missing_ok=True)


def _mode(path: Path) -> int | None:
    with suppress(FileNotFoundError, NotADirectoryError):
        return path.lstat().st_mode
    return None


def _unwritable(path: Path, error: OSError) -> OutputError:
    hints = {
        errno.EROFS: "It is on a read-only file system; give an output.path on another.",
        errno.EACCES: "This user may not write there; give another output.path, or the right to write.",
        errno.EPERM: "This user may not write there; give another output.path, or the right to write.",
        errno.ENOSPC: "Its file system is full; make room there, or give another output.path.",
        errno.EDQUOT: "The disk quota there is used up; make room, or give another output.path.",
    }
    hint = hints.get(error.errno or 0, "Give another output.path.")
    return OutputError(f"{path} cannot be written: {error.strerror or error}", where=_WHERE, hint=hint)
