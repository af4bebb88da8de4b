"""An output's body cut between records, so that it can be divided into files; pure."""

from collections.abc import Callable, Iterable, Iterator

_BLOCK = 1 << 20

type Piece = bytes | bytearray | memoryview


def pieces_of_records(stretches: Iterable[Piece], output_format: str, size: int) -> Iterator[bytes]:
    """The same bytes in pieces that end where a record ends, each of about `size` bytes, or of one longer record.

    A record of JSON Lines and of text is a line; one of CSV ends at a line feed that is not between quotes, that is,
    before which there is an even number of quotes (RFC 4180: quotes within a field are doubled).

    Args:
        stretches: the body, cut anywhere.
        output_format: "jsonl", "csv" or "text" with one line a record.
        size: how many bytes a piece should have.
    """
    last_end = _last_csv_end if output_format == "csv" else _last_line_end
    rest = bytearray()
    for stretch in stretches:
        for start in range(0, len(stretch), _BLOCK):
            rest += stretch[start : start + _BLOCK]
            while len(rest) >= size and (end := _end(rest, size, last_end)):
                yield bytes(rest[:end])
                del rest[:end]
    if rest:
        yield bytes(rest)


def _end(data: bytearray, size: int, last_end: Callable[[bytearray, int], int]) -> int:
    """Where the last record within `size` bytes ends; the first one where none does; 0 where that is not there yet."""
    end = last_end(data, size)
    while not end and size < len(data):
        size = min(2 * size, len(data))
        end = last_end(data, size)
    return end


def _last_line_end(data: bytearray, size: int) -> int:
    return data.rfind(b"\n", 0, size) + 1


def _last_csv_end(data: bytearray, size: int) -> int:
    end = data.rfind(b"\n", 0, size) + 1
    while end and data.count(b'"', 0, end) % 2:
        end = data.rfind(b"\n", 0, end - 1) + 1
    return end
