"""The standard streams as a program may find them: closed, not UTF-8, a pipe nobody reads, a terminal that is gone."""

import errno
import io
import os
import sys
from contextlib import suppress

from orchestrator.errors import MachineError

# Type checkers know the name; the worker is started only after this module is imported, and `typing` takes long.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

_NOBODY_READS = (errno.EPIPE, errno.EIO)
_PLAIN_COLUMNS = 80


def open_streams() -> None:
    """Give the process all three streams, and make them take any text.

    A closed one becomes the null device, or the next file opened would get its number; a name (a file's, say) that the
    stream's encoding cannot show is shown with backslashes.
    """
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(fd, True)
    os.close(fd)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """Write a text and a newline to standard output; one that nobody reads any more is not an error.

    Raises:
        MachineError: it cannot be written (a full disk).
    """
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except OSError as error:
        mute(sys.stdout)
        if error.errno not in _NOBODY_READS:
            raise MachineError(f"standard output cannot be written: {error.strerror}") from None


def complain(text: str) -> None:
    """Write a text and a newline to standard error, if that can be done."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        mute(sys.stderr)


def mute(stream: TextIO) -> None:
    """Send what is still written to a stream, and what it holds, to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def flush_streams() -> None:
    """Write what the streams hold, so that the end of the process finds nothing it could fail on."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            mute(stream)
            with suppress(OSError):
                stream.flush()


def width_of(stream: TextIO) -> int | None:
    """The columns of the terminal that a stream is; None where it is none."""
    if not stream.isatty():
        return None
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    try:
        return os.get_terminal_size(stream.fileno()).columns or _PLAIN_COLUMNS
    except OSError:
        return _PLAIN_COLUMNS
