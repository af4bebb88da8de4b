"""Where a CSV file can be cut: at newlines that no quoted field holds, found exactly, in one pass.

The rules are the `csv` module's (and those of RFC 4180 where it speaks): a quote opens a quoted field only
where a field begins; inside it a doubled quote is a quote; a quote anywhere else is text. So whether a
newline ends a record depends on everything before it, and the pass goes from the beginning, at the speed of a
regular expression.
"""

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from orchestrator.errors import InputError

LONGEST = 64 << 20
_HEADER = 1 << 16
_NEWLINE = re.compile(rb"\r\n?|\n")


class Scanner(Struct, frozen=True):
    """Finds the ends of records in a buffer whose first byte begins a record.

    Attributes:
        outside: matches from a record's start as far as no quoted field is left open.
        to_end: matches from there to the end of the first newline outside quotes.
        first: matches blank lines and the record after them.
    """

    outside: re.Pattern[bytes]
    to_end: re.Pattern[bytes]
    first: re.Pattern[bytes]


def scanner(delimiter: bytes, *, bom: bool) -> Scanner:
    """The scanner for a delimiter; with `bom`, a field may also begin after the file's byte order mark."""
    starts = [rb'[\r\n]"', rb'\A"', re.escape(delimiter) + b'"']
    if bom:
        starts.append(rb'\A\xef\xbb\xbf"')
    opening = b'"(?:' + b"|".join(b"(?<=%b)" % start for start in starts) + b")"
    literal = b'"' + b"".join(b"(?<!%b)" % start for start in starts)
    quoted = opening + b'[^"]*+"(?:"[^"]*+")*+(?!")'

    def run(plain: bytes) -> bytes:
        return b"%b(?:%b%b|%b%b)*+" % (plain, quoted, plain, literal, plain)

    record = run(rb'[^"\r\n]*+') + rb"(?:\r\n?|\n)"
    blank = rb"(?:\A\xef\xbb\xbf)?+[\r\n]*+" if bom else rb"[\r\n]*+"
    return Scanner(re.compile(run(b'[^"]*+')), re.compile(record), re.compile(blank + record))


def first_record(scan: Scanner, buffer: bytearray) -> int | None:
    """The end of the first record that is not empty; None if the buffer does not tell."""
    found = scan.first.match(buffer)
    return _complete(buffer, found.end()) if found else None


def next_cut(scan: Scanner, buffer: bytearray, target: int) -> int | None:
    """The first end of a record at or after `target`, which is above 0; None if the buffer does not tell."""
    newline = _NEWLINE.search(buffer, target - 1)
    if newline is None:
        return None
    end = newline.end()
    if buffer.find(b'"', 0, end) < 0:
        return _complete(buffer, end)
    outside = scan.outside.match(buffer, 0, end)
    reached = outside.end() if outside else 0
    if reached == end:
        return _complete(buffer, end)
    # A quoted field that opens at `reached` holds the newline.
    record = scan.to_end.match(buffer, reached)
    return _complete(buffer, record.end()) if record else None


def _complete(buffer: bytearray, end: int) -> int | None:
    """The end, unless it is a CR at the end of the buffer, which may be half a CRLF."""
    return None if end == len(buffer) and buffer.endswith(b"\r") else end


def stretches(read: Callable[[int], bytes], scan: Scanner, step: int, *, header: bool) -> Iterator[tuple[int, bytes]]:
    """Cut a stream into (offset, whole records) of about `step` bytes; with `header`, that record first.

    The cuts depend on the bytes, the scanner and `step` alone.

    Raises:
        InputError: a record is longer than 64 MiB: a quote that opens a field is not closed.
    """
    buffer, offset, goal, final = bytearray(), 0, _HEADER if header else step, False
    while True:
        final = final or _fill(buffer, read, goal)
        cut = first_record(scan, buffer) if header else None
        if not header and len(buffer) >= step:
            cut = next_cut(scan, buffer, step)
        if cut is None and len(buffer) > LONGEST:
            raise InputError(f"a record at byte {offset:,} or soon after has no end within 64 MiB")
        if cut is None and not final:
            goal = min(2 * max(len(buffer), goal), LONGEST + step)
            continue
        cut = len(buffer) if cut is None else cut
        if cut:
            yield offset, bytes(buffer[:cut])
        del buffer[:cut]
        offset, goal, header = offset + cut, step, False
        if final and not buffer:
            return


def _fill(buffer: bytearray, read: Callable[[int], bytes], goal: int) -> bool:
    """Read until the buffer holds `goal` bytes; True if the stream ended before."""
    while len(buffer) < goal:
        chunk = read(goal - len(buffer))
        if not chunk:
            return True
        buffer += chunk
    return False
