"""Where lines begin. A newline is LF, CRLF or CR (as in Python's universal newlines), and CRLF is one, never
two.

A line belongs to the interval that its first byte is in. So the lines of [lo, hi) are the bytes from the
first line that begins at or after `lo` to the first one that begins at or after `hi`: adjacent intervals give
each line once, wherever the cuts fall, inside a line or between CR and LF.
"""

import os
from collections.abc import Callable, Iterator

_WINDOW = 4096
_WIDEST = 1 << 20


def line_start(fd: int, at: int, size: int) -> int:
    """The first offset at or after `at` at which a line of the file begins; `size` if there is none.

    Raises:
        OSError: the file cannot be read.
    """
    if at <= 0 or at >= size:
        return min(max(at, 0), size)
    # A line that begins at `at` has its newline just before.
    where, window = at - 1, _WINDOW
    while where < size:
        data = os.pread(fd, window, where)
        newline = _first_newline(data)
        if newline >= 0:
            after = where + newline + 1
            split = data[newline : newline + 1] == b"\r" and os.pread(fd, 1, after) == b"\n"
            return after + split
        if not data:
            break
        where += len(data)
        window = min(window * 4, _WIDEST)
    return size


def _first_newline(data: bytes) -> int:
    lf = data.find(b"\n")
    cr = data.find(b"\r", 0, lf if lf >= 0 else len(data))
    return cr if cr >= 0 else lf


def line_spans(fd: int, lo: int, hi: int, size: int, step: int) -> Iterator[tuple[int, int]]:
    """Cut the lines of [lo, hi) into spans of about `step` bytes, longer only for the end of a line."""
    start = line_start(fd, lo, size)
    while start < hi:
        end = line_start(fd, min(hi, start + step), size)
        yield start, end
        start = end


def line_blocks(read: Callable[[int], bytes], step: int) -> Iterator[tuple[int, bytes]]:
    """Cut a stream into (offset, whole lines) of about `step` bytes; the last one may lack its newline."""
    buffer, offset = bytearray(), 0
    while chunk := read(step):
        fresh = len(buffer)
        buffer += chunk
        cut = _last_end(buffer, fresh)
        if cut:
            yield offset, bytes(buffer[:cut])
            del buffer[:cut]
            offset += cut
    if buffer:
        yield offset, bytes(buffer)


def _last_end(buffer: bytearray, fresh: int) -> int:
    """The end of the last newline at or after `fresh`, else 0; a CR at the very end may be half a CRLF."""
    return max(buffer.rfind(b"\n", fresh), buffer.rfind(b"\r", fresh, len(buffer) - 1)) + 1


def split_text(text: str) -> list[str]:
    """The lines, without newlines. `str.splitlines` would also split at form feeds, U+2028 and five more."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines
