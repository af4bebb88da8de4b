"""A store in a folder: write to a temporary name, fsync, link or rename, fsync the folder.

Guarantees: those of :mod:`orchestrator.store.base`, between any number of processes and threads on one machine,
and through a crash of the machine. Assumes: a POSIX file system on which `link` and `rename` are atomic (NFS is,
for `link`; object stores mounted as folders are not).
"""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from orchestrator.errors import RunDamaged, StoreUnavailable
from orchestrator.store.base import Buffer, NotFound

_HINTS = {
    errno.ENOSPC: "Make room on that file system, then go on with --resume; what was committed is kept.",
    errno.EDQUOT: "Your disk quota is used up; make room, then go on with --resume; what was committed is kept.",
    errno.EROFS: "The file system is read-only; when it can be written again, go on with --resume.",
    errno.EIO: "The disk reported an error; check it, then go on with --resume; what was committed is kept.",
    errno.ENOENT: "Bring the folder back (is it still mounted?), then go on with --resume.",
    errno.EACCES: "Give this user the right to write there, then go on with --resume.",
    errno.EPERM: "Give this user the right to write there, then go on with --resume.",
}
_READ_BLOCK = 64 << 20


class LocalStore:
    """Objects as files below a folder, which is made when the first one is written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: set[Path] = set()

    @property
    def url(self) -> str:
        """The folder."""
        return str(self.root)

    def put(self, name: str, data: Iterable[Buffer]) -> None:
        """Write an object, replacing one of that name."""
        path = self.root / name
        try:
            temporary = self._write_temporary(path, data)
            try:
                os.rename(temporary, path)
            except BaseException:
                os.unlink(temporary)
                raise
            _sync_folder(path.parent)
        except OSError as error:
            raise unavailable(path, error) from error

    def create(self, name: str, data: Iterable[Buffer]) -> bool:
        """Write an object unless the name is taken; says whether it did."""
        path = self.root / name
        try:
            temporary = self._write_temporary(path, data)
            try:
                os.link(temporary, path)
            except FileExistsError:
                return False
            finally:
                os.unlink(temporary)
            _sync_folder(path.parent)
        except OSError as error:
            raise unavailable(path, error) from error
        return True

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """The bytes of an object, or of a range of it."""
        path = self.root / name
        try:
            with open(path, "rb", buffering=0) as file:
                if start:
                    file.seek(start)
                if length is None:
                    return file.read()
                return _read_exactly(file.fileno(), length)
        except FileNotFoundError:
            raise NotFound("there is no such object", where=str(path)) from None
        except IsADirectoryError, NotADirectoryError:
            raise RunDamaged(
                "a folder stands where a file belongs, or the reverse",
                where=str(path),
                hint="Restore the file from a copy, or start a new run; nothing was changed.",
            ) from None
        except OSError as error:
            raise unavailable(path, error) from error

    def list(self, prefix: str) -> Iterator[str]:
        """The names below a prefix, sorted."""
        yield from self._walk(self.root / prefix if prefix else self.root, prefix)

    def delete(self, name: str) -> None:
        """Remove an object; nothing happens where there is none."""
        path = self.root / name
        try:
            with suppress(FileNotFoundError):
                os.unlink(path)
        except OSError as error:
            raise unavailable(path, error) from error

    def _walk(self, folder: Path, prefix: str) -> Iterator[str]:
        try:
            with os.scandir(folder) as scan:
                found = sorted((entry.name + "/" if entry.is_dir() else entry.name) for entry in scan)
        except FileNotFoundError, NotADirectoryError:
            return
        except OSError as error:
            raise unavailable(folder, error) from error
        for name in found:
            if name.startswith("."):
                continue
            if name.endswith("/"):
                yield from self._walk(folder / name, prefix + name)
            else:
                yield prefix + name

    def _write_temporary(self, path: Path, data: Iterable[Buffer]) -> Path:
        folder = path.parent
        if folder not in self._known:
            self._make_folder(folder)
            self._known.add(folder)
        # Random: process numbers come again in a restarted container, and in two that share the folder.
        temporary = folder / f".{path.name}.{os.urandom(8).hex()}.tmp"
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            for block in data:
                _write_all(fd, block)
            os.fsync(fd)
        except BaseException:
            os.unlink(temporary)
            raise
        finally:
            os.close(fd)
        return temporary

    def _make_folder(self, folder: Path) -> None:
        if self._known and not self.root.is_dir():
            raise FileNotFoundError(errno.ENOENT, "its folder is gone")
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for path in reversed(missing):
            path.mkdir(exist_ok=True)
            _sync_folder(path.parent)


def unavailable(path: Path, error: OSError) -> StoreUnavailable:
    """The error to raise when the store's file system refused a call."""
    hint = _HINTS.get(error.errno or 0, "When the store can be written again, go on with --resume.")
    return StoreUnavailable(f"the run's store cannot be used: {error.strerror or error}", where=str(path), hint=hint)


def _write_all(fd: int, block: Buffer) -> None:
    view = memoryview(block).cast("B")
    while view:
        view = view[os.write(fd, view) :]


def _read_exactly(fd: int, length: int) -> bytes:
    blocks: list[bytes] = []
    while length > 0:
        block = os.read(fd, min(length, _READ_BLOCK))
        if not block:
            break
        blocks.append(block)
        length -= len(block)
    return blocks[0] if len(blocks) == 1 else b"".join(blocks)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
