"""The lines that ftorch writes, for peers that write them, too; apart, since not every peer's Python has msgspec."""

from pathlib import Path

import msgspec


class Record(msgspec.Struct, frozen=True, gc=False):
    """A line of the output, as ftorch writes it."""

    key: int
    result: int


encode_lines = msgspec.json.Encoder().encode_lines


def read_lines(path: Path) -> list[Record]:
    """The lines of a file."""
    return msgspec.json.Decoder(Record).decode_lines(path.read_bytes())
