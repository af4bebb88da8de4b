"""Lines and JSON Lines as items: `input: {lines: …}` and `input: {jsonl: …}`.

Plain files are cut by byte ranges anywhere (:mod:`orchestrator.inputs.newlines`); compressed ones are read
whole, streamed. A block of whole lines is decoded at once; only a block with a bad line is looked at line by
line. A line's key is "path@offset", the offset of its first byte (in the decompressed stream, for a
compressed file).
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

from msgspec import MsgspecError
from msgspec.json import Decoder

from orchestrator.inputs.base import Batch, Entry, Piece, Unreadable
from orchestrator.inputs.blocks import TARGET, Block, Parse, merged, without_bom
from orchestrator.inputs.handle import Handle
from orchestrator.inputs.named import NamedFiles
from orchestrator.inputs.newlines import line_blocks, line_spans, split_text
from orchestrator.inputs.packed import Policy, Unpacked
from orchestrator.spec.model import JsonlInput, LinesInput

type Encoding = Literal["utf-8", "latin-1", "bytes"]


class TextSource:
    """Text files, cut by byte ranges; `entries()` looks at the files anew at every call.

    Args:
        files: the files.
        parser: makes what turns a block of lines into items, for one reader.
    """

    unit = "byte"

    def __init__(self, files: NamedFiles, parser: Callable[[], Parse]) -> None:
        self._files = files
        self._parser = parser

    def entries(self) -> Iterator[Entry]:
        for file in self._files.found():
            yield Entry(file.name, file.size, 0, file.size, file.mtime_ns, file.how != "none")

    def notes(self) -> Sequence[str]:
        return self._files.notes()

    def reader(self) -> TextReader:
        return TextReader(self._files.base, self._files.policy, self._parser())


def lines_source(spec: LinesInput, base: Path) -> TextSource:
    """The lines of text files.

    Raises:
        InputError: a path that cannot be one.
    """
    return TextSource(NamedFiles(spec.path, base, spec.compression), partial(_line_parser, spec.encoding))


def jsonl_source(spec: JsonlInput, base: Path) -> TextSource:
    """The values of JSON Lines files.

    Raises:
        InputError: a path that cannot be one.
    """
    return TextSource(NamedFiles(spec.path, base, spec.compression), _json_parser)


class TextReader:
    """Reads blocks of lines and parses them; keeps the last file open."""

    def __init__(self, base: bytes, policy: Policy, parse: Parse) -> None:
        self._file = Handle(base)
        self._policy: Policy = policy
        self._parse = parse

    def read(self, pieces: Sequence[Piece]) -> Iterator[Batch]:
        return merged(map(self._parse, self._blocks(pieces)))

    def close(self) -> None:
        self._file.close()

    def _blocks(self, pieces: Sequence[Piece]) -> Iterator[Block]:
        file = self._file
        for piece in pieces:
            file.turn_to(piece.entry)
            if piece.entry.whole:
                stream = Unpacked(file.fd, file.path, file.packing(self._policy))
                for offset, data in line_blocks(stream.read, TARGET):
                    yield Block(file.label, offset, data)
                continue
            first = piece.entry.start
            for start, end in line_spans(file.fd, first + piece.lo, first + piece.hi, file.size, TARGET):
                yield Block(file.label, start, file.read(start, end - start))


def _line_parser(encoding: Encoding) -> Parse:
    return parse_bytes if encoding == "bytes" else partial(parse_text, encoding)


def parse_bytes(block: Block) -> Batch:
    """The lines as bytes."""
    keys = partial(_keys, block, frozenset())
    return Batch(block.data.splitlines(), keys, len(block.data))


def parse_text(encoding: str, block: Block) -> Batch:
    """The lines as text; those that are not in the encoding are unreadable."""
    if encoding == "utf-8":
        block = without_bom(block)
    try:
        values = split_text(block.data.decode(encoding))
    except UnicodeDecodeError:
        return _one_by_one(block, lambda line: line.decode(encoding))
    return Batch(values, partial(_keys, block, frozenset()), len(block.data))


def _json_parser() -> Parse:
    # A decoder for each reader: threads do not share what they call for every line.
    return partial(parse_json, Decoder().decode)


def parse_json(decode: Callable[[bytes], Any], block: Block) -> Batch:
    """The values of the lines; blank lines are passed over, those that are not JSON are unreadable.

    Not `Decoder.decode_lines`: it takes two values on a line, and one value over two lines.
    """
    block = without_bom(block)
    lines = block.data.splitlines()
    try:
        values = list(map(decode, lines))
    except MsgspecError, UnicodeDecodeError, RecursionError:
        return _one_by_one(block, decode, blank=True)
    return Batch(values, partial(_keys, block, frozenset()), len(block.data))


def _one_by_one(block: Block, decode: Callable[[bytes], Any], *, blank: bool = False) -> Batch:
    """Decode line by line, setting aside what fails; with `blank`, lines of white space only are passed
    over.
    """
    values: list[Any] = []
    unreadable: list[Unreadable] = []
    without: set[int] = set()
    for number, (start, line) in enumerate(_lines(block)):
        if blank and not line.strip():
            without.add(number)
            continue
        try:
            values.append(decode(line))
        except (MsgspecError, UnicodeDecodeError, RecursionError) as error:
            without.add(number)
            # Without its traceback, which would keep the block alive.
            unreadable.append(Unreadable(len(values), f"{block.label}@{start}", error.with_traceback(None)))
    return Batch(values, partial(_keys, block, without), len(block.data), unreadable)


def _lines(block: Block) -> Iterator[tuple[int, bytes]]:
    """Each line, without its newline, and where in the file it begins."""
    data = block.data
    starts = accumulate(map(len, data.splitlines(keepends=True)), initial=block.offset)
    return zip(starts, data.splitlines(), strict=False)


def _keys(block: Block, without: Collection[int]) -> list[str]:
    """The keys of all lines but those that gave no value."""
    lengths = map(len, block.data.splitlines(keepends=True))
    starts = list(accumulate(lengths, initial=block.offset))
    starts.pop()
    head = block.label + "@"
    if without:
        return [f"{head}{start}" for number, start in enumerate(starts) if number not in without]
    return [f"{head}{start}" for start in starts]
