"""Put a run's results where the user wants them, whole or not at all.

Guarantees: at every moment the destination holds what was there before or the whole new output, through kills
and crashes of the machine alike; what is half-written stands beside it under a temporary name, is removed on
every exception, and after a kill by the next one to publish in that folder. To publish the same bytes twice
is the same as once, so a run that died just after publishing can be resumed. A folder of parts replaces
another in one step where the system has `renameat2` (Linux), in two elsewhere. Assumes: one process publishes
a run.
"""

import errno
import filecmp
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from orchestrator.errors import StoreUnavailable
from orchestrator.outputs.atomic import (
    exchange_folders,
    is_leftover,
    make_folder,
    move_into_place,
    sync_folder,
    temporary_names,
    write_all,
)
from orchestrator.outputs.target import Target, exists_already, foreign_names

type Piece = bytes | bytearray | memoryview

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_HINTS = {
    errno.ENOSPC: "Make room on that file system",
    errno.EDQUOT: "Your disk quota is used up; make room",
    errno.EROFS: "That file system is read-only; make it writable",
    errno.EACCES: "Give this user the right to write there",
    errno.EPERM: "Give this user the right to write there",
    errno.EIO: "The disk reported an error; check it",
}


class Published(Struct, frozen=True):
    """What was published.

    Attributes:
        path: the file or folder, or its URL.
        bytes: how many bytes its files hold, headers included.
        crc32: the checksum of all those bytes in order (of zlib and gzip).
        files: how many files.
    """

    path: Path | str
    bytes: int
    crc32: int
    files: int = 1


def publish_file(target: Target, header: bytes, body: Iterable[Piece]) -> Published:
    """Write one file, streamed.

    Raises:
        OutputError: another file is there by now, and it is not to be overwritten.
        StoreUnavailable: the place cannot be written: full, read-only, gone.
    """
    path = target.path
    temporary = _temporary_beside(path)
    try:
        size, checksum, _ = _write_files(path, lambda _: temporary, (header, body), sys.maxsize)
        with _naming(path):
            try:
                move_into_place(str(temporary), str(path), target.overwrite)
            except FileExistsError:
                if not _same_file(temporary, path):
                    raise exists_already(path) from None
            sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
    return Published(path, size, checksum)


def publish_parts(target: Target, header: bytes, pieces: Iterable[Piece], part_size: int) -> Published:
    """Write a folder of part files, `part-00000` and on, each beginning with the header.

    Args:
        target: the folder.
        header: what each part begins with.
        pieces: the body; parts are cut between pieces only.
        part_size: how many bytes of the body each part has at least, but for the last.

    Raises:
        OutputError: something else is there by now, and it is not to be overwritten; or the folder that is
            holds other files than parts.
        StoreUnavailable: the place cannot be written: full, read-only, gone.
    """
    path = target.path
    temporary = _temporary_beside(path)
    try:
        with _naming(path):
            temporary.mkdir()
        name = temporary / "part"
        size, checksum, files = _write_files(
            path,
            lambda n: name.with_name(f"part-{n:05d}{target.suffix}"),
            (header, pieces),
            max(1, part_size),
        )
        with _naming(path):
            sync_folder(temporary)
            _place_folder(temporary, path, target.overwrite)
            sync_folder(path.parent)
    finally:
        _remove_tree(temporary)
    return Published(path, size, checksum, files)


def publish_json(target: Target, document: bytes) -> Published:
    """Write one JSON document, ended with a newline.

    Raises:
        OutputError, StoreUnavailable: as for a file.
    """
    return publish_file(target, b"", [document.removesuffix(b"\n"), b"\n"])


def _write_files(
    output: Path, name: Callable[[int], Path], content: tuple[bytes, Iterable[Piece]], part_size: int
) -> tuple[int, int, int]:
    """Write the files of an output; gives their size, their checksum and how many they are, at least one."""
    header, pieces = content
    size = checksum = files = 0
    waiting = iter(pieces)
    piece = next(waiting, None)
    while files == 0 or piece is not None:
        with _new_file(name(files), output) as write:
            write(header)
            checksum = zlib.crc32(header, checksum)
            body = 0
            while piece is not None and body < part_size:
                write(piece)
                checksum = zlib.crc32(piece, checksum)
                body += memoryview(piece).nbytes
                piece = next(waiting, None)
        size += len(header) + body
        files += 1
    return size, checksum, files


@contextmanager
def _new_file(path: Path, output: Path) -> Iterator[Callable[[Piece], None]]:
    """Give a function that writes to a new file, which is whole and on the disk at the end of the block."""
    with _naming(output):
        fd = os.open(path, _NEW, 0o666)

    def write(piece: Piece) -> None:
        with _naming(output):
            write_all(fd, piece)

    try:
        yield write
        with _naming(output):
            os.fsync(fd)
    finally:
        os.close(fd)


def _temporary_beside(path: Path) -> Path:
    """A temporary name in the destination's folder, which is made, and rid of what the dead left there."""
    folder = path.parent
    with _naming(path):
        make_folder(folder)
        for name in filter(is_leftover, os.listdir(folder)):
            leftover = folder / name
            if leftover.is_dir():
                _remove_tree(leftover)
            else:
                leftover.unlink(missing_ok=True)
    return folder / temporary_names()()


def _place_folder(temporary: Path, path: Path, overwrite: bool) -> None:
    """Give a finished folder its name; one that it replaces is at the temporary name afterwards."""
    try:
        temporary.rename(path)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
            raise
        if not overwrite and _same_folder(temporary, path):
            return
        if not overwrite or not path.is_dir() or foreign_names(path):
            raise exists_already(path) from None
        exchange_folders(temporary, path)


def _same_file(one: Path, other: Path) -> bool:
    return other.is_file() and filecmp.cmp(one, other, shallow=False)


def _same_folder(one: Path, other: Path) -> bool:
    names = sorted(os.listdir(one))
    return (
        other.is_dir()
        and names == sorted(os.listdir(other))
        and all(_same_file(one / name, other / name) for name in names)
    )


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turn a refusal of the file system into an error that names the output and says what to do."""
    try:
        yield
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "When it can be written again")
        raise StoreUnavailable(
            f"the output cannot be written: {error.strerror or error}",
            where=str(path),
            hint=f"{hint}, then go on with --resume; the results so far are kept in the run.",
        ) from error


def _remove_tree(folder: Path) -> None:
    """Remove a folder and all below it, as far as that can be done."""
    import shutil  # with its compressors a few ms, which only an output of parts pays

    shutil.rmtree(folder, ignore_errors=True)
