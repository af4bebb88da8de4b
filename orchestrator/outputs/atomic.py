"""Files that appear whole or not at all: temporary names, moving into place, making it last.

Guarantees: a temporary name is given once on all machines, and says whose it is; whoever looks at a
destination finds the old file, the new one or none, never a part of one. Assumes: a POSIX file system whose
`rename` is atomic. Where it has no hard links (FAT, some network mounts) an empty file may stand at a new
destination for an instant before the whole one takes its place.
"""

import errno
import os
import re
import zlib
from collections.abc import Callable
from pathlib import Path

from orchestrator.host.processes import started

TEMPORARY_PREFIX = ".ftorch-"
_TEMPORARY = re.compile(r"\.ftorch-([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]+-\d+\.tmp")
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}


def temporary_names() -> Callable[[], str]:
    """A function that gives a new temporary file name at each call; for one thread of this process.

    The name holds the host, the process and when that process started, so leftovers of a dead process are
    known even where its number is used again.
    """
    pid = os.getpid()
    head = f"{TEMPORARY_PREFIX}{_host()}-{pid}-{started(pid)}-{os.urandom(4).hex()}-"
    serial = 0

    def name() -> str:
        nonlocal serial
        serial += 1
        return f"{head}{serial}.tmp"

    return name


def is_temporary(name: str) -> bool:
    """Whether a file's name is one that `temporary_names` gives."""
    return _TEMPORARY.fullmatch(name) is not None


def is_leftover(name: str) -> bool:
    """Whether it is a temporary name of a process of this host that runs no more."""
    match = _TEMPORARY.fullmatch(name)
    return match is not None and match[1] == _host() and started(int(match[2])) != int(match[3])


def write_all(fd: int, data: bytes | bytearray | memoryview) -> None:
    """Write every byte, however many calls it takes."""
    view = memoryview(data).cast("B")
    while view:
        view = view[os.write(fd, view) :]


def move_into_place(temporary: str, destination: str, replace: bool) -> None:
    """Give a finished temporary file its name; the temporary name is gone afterwards.

    Plain strings and `os` calls: a tree does this for every item, and paths would double what it costs.

    Raises:
        FileExistsError: the name is taken, and `replace` is false; the temporary file is still there.
    """
    if replace:
        os.replace(temporary, destination)
        return
    try:
        os.link(temporary, destination)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.close(os.open(destination, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
        os.replace(temporary, destination)
    else:
        os.unlink(temporary)


def exchange_folders(temporary: Path, destination: Path) -> None:
    """Let a finished folder and the one at its destination change names.

    In one step where the system can (Linux's renameat2), else in two, between which there is no destination.
    """
    import ctypes  # a few ms, which only an output that replaces a folder pays

    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    names = os.fsencode(temporary), os.fsencode(destination)
    if rename is not None and rename(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0:
        return
    aside = temporary.with_name(temporary.name.removesuffix(".tmp") + "0.tmp")
    destination.rename(aside)
    try:
        temporary.rename(destination)
    except BaseException:
        aside.rename(destination)
        raise
    aside.rename(temporary)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last through a crash of the machine."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that they last.

    Raises:
        OSError: one cannot be made; FileExistsError or NotADirectoryError where a file has its name.
    """
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


def _host() -> str:
    return f"{zlib.crc32(os.fsencode(os.uname().nodename)):08x}"
