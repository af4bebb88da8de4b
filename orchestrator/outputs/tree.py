"""A tree of files: each result is one file, which appears whole or not at all.

Guarantees: a reader of the tree sees complete files only, whatever dies when; no file is written outside the
root; without `replace`, no file is written twice, and a call that failed has removed what it wrote. With
`replace` (a resumed run cannot know which files its predecessor wrote) a call that failed may leave complete
files, and where two items name one file the later stays. Assumes: nobody moves the root's folders while the
run lasts; an encoder is used by one thread at a time. What was written lasts through a crash of the machine
only after `flush`.
"""

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from string import Formatter
from typing import Any

from orchestrator.errors import OutputError
from orchestrator.outputs.atomic import (
    TEMPORARY_PREFIX,
    is_leftover,
    is_temporary,
    move_into_place,
    temporary_names,
    write_all,
)
from orchestrator.outputs.plain import content
from orchestrator.spec.keys import Key

FIELDS = ("key", "stem", "suffix", "parent")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class TreeEncoder:
    """Writes each result to the file its key names.

    Args:
        root: the folder of the tree; made when the first file is written.
        name: the file's path below the root, a template of `{key}`, `{stem}`, `{suffix}` and `{parent}`
            (``a/b.tar.gz`` has the parent ``a``, the stem ``b.tar`` and the suffix ``.gz``).
        replace: whether a file that is there already is replaced.

    Raises:
        OutputError: `name` is no such template.
    """

    needs_keys = True

    def __init__(self, root: Path, name: str, replace: bool) -> None:
        check_name_template(name)
        self._root = str(root)
        self._name = name
        self._replace = replace
        self._temporary = temporary_names()
        self._folders: set[str] = set()

    def encode(self, keys: Sequence[Key], results: Sequence[Any]) -> bytes:
        """Write the files; there are no bytes for the body.

        Raises:
            TypeError: a result that is neither bytes nor text.
            ValueError: a key that names no file below the root, or one that another item has written.
            OSError: a file could not be written.
        """
        written: list[str] = []
        try:
            for key, result in zip(keys, results, strict=True):
                written.append(self._write(key, result))
        except BaseException:
            for path in () if self._replace else written:
                with suppress(OSError):
                    Path(path).unlink()
            raise
        return b""

    def discard(self, keys: Sequence[Key]) -> None:
        """Remove the files of these keys, which this encoder wrote and will write again; kept where it may replace."""
        for key in () if self._replace else keys:
            with suppress(OSError):
                Path(self._root, relative_name(self._name, str(key))).unlink()

    def _write(self, key: Key, result: object) -> str:
        data = content(result)
        name = relative_name(self._name, str(key))
        destination = f"{self._root}/{name}"
        folder = destination.rpartition("/")[0]
        try:
            if folder not in self._folders:
                self._make_folder(folder)
            self._write_file(f"{folder}/{self._temporary()}", destination, data)
        except FileExistsError, NotADirectoryError, IsADirectoryError:
            raise ValueError(f"two items write {name!r}, or one needs a folder where a file is") from None
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise ValueError(f"the name {name!r} is too long for the file system") from None
            raise
        return destination

    def _write_file(self, temporary: str, destination: str, data: bytes | bytearray | memoryview) -> None:
        fd = os.open(temporary, _NEW, 0o666)
        try:
            try:
                write_all(fd, data)
            finally:
                os.close(fd)
            move_into_place(temporary, destination, self._replace)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _make_folder(self, folder: str) -> None:
        if not Path(folder).resolve().is_relative_to(Path(self._root).resolve()):
            raise ValueError(f"a symbolic link leads {folder!r} out of the output's folder")
        Path(folder).mkdir(parents=True, exist_ok=True)
        self._folders.add(folder)


def check_name_template(name: str) -> None:
    """Check a template of file names.

    Raises:
        OutputError: it has a brace without its partner, or a field that there is not.
    """
    hint = "The fields are {key}, {stem}, {suffix} and {parent}; a brace itself is written {{ or }}."
    try:
        fields = [field for field in Formatter().parse(name) if field[1] is not None]
    except ValueError as error:
        raise OutputError(f"this is no template: {error}", where="output.name", hint=hint) from None
    for _, field, spec, conversion in fields:
        if field not in FIELDS or "{" in (spec or "") or conversion:
            raise OutputError(f"{{{field}}} is no field of a file's name", where="output.name", hint=hint)


def relative_name(template: str, key: str) -> str:
    """The path of an item's file below the root, without empty and `.` parts.

    Raises:
        ValueError: it is absolute, has a `..`, a NUL or the name of a temporary file, or names no file.
    """
    name = key
    if template != "{key}":
        path = PurePosixPath(key)
        name = template.format(key=key, stem=path.stem, suffix=path.suffix, parent=str(path.parent))
    parts = [part for part in name.split("/") if part not in {"", "."}]
    wrong = ""
    if name.startswith("/"):
        wrong = "it is absolute"
    elif ".." in parts:
        wrong = "it has a .."
    elif "\0" in name:
        wrong = "it has a NUL"
    elif not parts or name.endswith(("/", "/.")):
        wrong = "it names a folder"
    elif any(part.startswith(TEMPORARY_PREFIX) for part in parts):
        wrong = f"{TEMPORARY_PREFIX} begins the names of temporary files"
    if wrong:
        raise ValueError(f"the key {key!r} gives the file name {name!r}, which cannot be: {wrong}")
    return "/".join(parts)


def sweep_temporaries(root: Path, *, of_all: bool = False) -> int:
    """Remove what processes that died left half-written below a folder; says how many files.

    Args:
        root: the folder; it need not exist.
        of_all: whether other hosts' and living processes' go too: only where it is known that nobody writes.
    """
    unwanted = is_temporary if of_all else is_leftover
    import shutil  # with its compressors a few ms, which only an output of this kind pays

    removed = 0
    for folder, folders, files in os.walk(root):
        for name in filter(unwanted, files):
            with suppress(FileNotFoundError):
                Path(folder, name).unlink()
                removed += 1
        for name in filter(unwanted, folders[:]):
            folders.remove(name)
            shutil.rmtree(Path(folder, name), ignore_errors=True)
            removed += 1
    return removed


def count_files(root: Path) -> int:
    """How many files a tree has, those that are half-written left out; 0 where there is none."""
    return sum(1 for _, _, files in os.walk(root) for name in files if not is_temporary(name))


def flush(root: Path) -> None:
    """Make every file written below a folder last through a crash of the machine; call it before a commit.

    It asks the file system as a whole (Linux's syncfs), which for many small files costs far less than an
    fsync of each.

    Raises:
        OSError: the folder's file system could not write something since the last call.
    """
    if not root.is_dir():
        return
    import ctypes  # a few ms, which only a job that writes a tree pays

    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        os.sync()
        return
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if syncfs(fd) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(root))
    finally:
        os.close(fd)
