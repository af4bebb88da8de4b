"""CSV records as items: `input: {csv: …}`; each a dict of its fields by the names in the header row.

Planning reads each file once and cuts it between records (:mod:`orchestrator.inputs.cuts`) into stretches of
about 1 MiB, which are then parsed on their own; a compressed file is one stretch, cut the same way while it
streams. A record's key is "path@offset+n": the stretch it is in, and its number there, from 0. Empty lines
are no records.
"""

import csv
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from io import StringIO
from pathlib import Path
from sys import intern
from typing import Any

from msgspec import Struct

from orchestrator.errors import InputError
from orchestrator.inputs.base import Batch, Entry, Piece, Unreadable
from orchestrator.inputs.blocks import TARGET, Block, merged, without_bom
from orchestrator.inputs.cuts import LONGEST, Scanner, scanner, stretches
from orchestrator.inputs.handle import Handle
from orchestrator.inputs.named import NamedFiles
from orchestrator.inputs.packed import Policy, Unpacked
from orchestrator.inputs.paths import shown
from orchestrator.spec.model import CsvInput


class Dialect(Struct, frozen=True):
    """How a file's bytes become records.

    Attributes:
        delimiter: one character.
        encoding: utf-8 or latin-1.
        columns: the names of the fields; None takes each file's first record.
        scan: finds the ends of records.
    """

    delimiter: str
    encoding: str
    columns: tuple[str, ...] | None
    scan: Scanner


class CsvSource:
    """CSV files, cut between records.

    Raises:
        InputError: a path, the delimiter or a column's name cannot be one.
    """

    unit = "byte"

    def __init__(self, spec: CsvInput, base: Path) -> None:
        self._files = NamedFiles(spec.path, base, spec.compression)
        self._dialect = _dialect(spec)

    def entries(self) -> Iterator[Entry]:
        file = Handle(self._files.base)
        try:
            for named in self._files.found():
                whole = Entry(named.name, named.size, 0, named.size, named.mtime_ns, True)
                try:
                    file.turn_to(whole)
                    yield from _planned(file, whole, self._dialect, self._files.policy)
                except OSError as error:
                    raise InputError(f"cannot be read: {error.strerror}", where=shown(named.name)) from error
        finally:
            file.close()

    def notes(self) -> Sequence[str]:
        return self._files.notes()

    def reader(self) -> CsvReader:
        return CsvReader(self._files.base, self._files.policy, self._dialect)


def _dialect(spec: CsvInput) -> Dialect:
    try:
        # The module's own rules: one character, and neither the quote nor a newline.
        csv.reader([], delimiter=spec.delimiter)
        encoded = spec.delimiter.encode(spec.encoding)
    except (TypeError, ValueError) as error:
        message = f"{spec.delimiter!r} cannot be the delimiter: {error}"
        raise InputError(message, where="input.csv.delimiter") from None
    columns = None if spec.columns is None else _checked(spec.columns, "input.csv.columns")
    return Dialect(spec.delimiter, spec.encoding, columns, scanner(encoded, bom=spec.encoding == "utf-8"))


def _checked(names: Sequence[str], where: str) -> tuple[str, ...]:
    """The names, interned: so all threads may use them without counting references.

    Raises:
        InputError: a name is empty or appears twice, or there is none.
    """
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        if not name:
            raise InputError(f"column {number} of {len(names)} has no name", where=where, hint=_NAME_THEM)
        if name in seen:
            raise InputError(f"two columns are named {name!r}", where=where, hint=_NAME_THEM)
        seen.add(name)
    if not names:
        raise InputError("there are no columns", where=where)
    return tuple(intern(name) for name in names)


_NAME_THEM = "give every column a name of its own, in the header row or, if there is none, with `columns`"


def _planned(file: Handle, whole: Entry, dialect: Dialect, policy: Policy) -> Iterator[Entry]:
    """The stretches of one file as entries."""
    packed = file.packing(policy) != "none"
    headed = dialect.columns is None
    for number, block in enumerate(_blocks(file, dialect, policy)):
        if number == 0 and headed:
            if _header(block, dialect) is None:
                return
        elif packed:
            yield whole
            return
        else:
            yield Entry(whole.name, len(block.data), block.offset, whole.size, whole.mtime_ns, True)


def _blocks(file: Handle, dialect: Dialect, policy: Policy) -> Iterator[Block]:
    """The stretches of the open file from its beginning, the header row first where there is one."""
    stream = Unpacked(file.fd, file.path, file.packing(policy))
    headed = dialect.columns is None
    try:
        for offset, data in stretches(stream.read, dialect.scan, TARGET, header=headed):
            yield Block(file.label, offset, data)
    except InputError as error:
        error.where = shown(file.path)
        error.hint = "look for a field that opens with a quote and has no closing one"
        raise


def _header(block: Block, dialect: Dialect) -> tuple[str, ...] | None:
    """The names in a file's first stretch; None if it holds blank lines only.

    Raises:
        InputError: it is not in the encoding, or a name is empty or appears twice.
    """
    try:
        text = without_bom(block).data.decode(dialect.encoding)
    except UnicodeDecodeError as error:
        message = f"the header row is not {dialect.encoding}: {error.reason}"
        raise InputError(message, where=shown(block.label)) from None
    rows = filter(None, csv.reader(StringIO(text, newline=""), delimiter=dialect.delimiter))
    names = next(rows, None)
    return None if names is None else _checked(names, f"{shown(block.label)}: header row")


class CsvReader:
    """Parses stretches; keeps the last file open, and its header."""

    def __init__(self, base: bytes, policy: Policy, dialect: Dialect) -> None:
        self._file = Handle(base)
        self._policy: Policy = policy
        self._dialect = dialect
        # A tuple of its own: every record counts a reference to it.
        self._names: tuple[str, ...] = (*(dialect.columns or ()),)
        # The module's own limit, 128 KiB a field, is for the whole process; a larger one harms nobody.
        if csv.field_size_limit() < LONGEST:
            csv.field_size_limit(LONGEST)

    def read(self, pieces: Sequence[Piece]) -> Iterator[Batch]:
        return merged(self._batches(pieces))

    def close(self) -> None:
        self._file.close()

    def _batches(self, pieces: Sequence[Piece]) -> Iterator[Batch]:
        file, dialect = self._file, self._dialect
        for piece in pieces:
            entry = piece.entry
            opened = file.turn_to(entry)
            if file.packing(self._policy) != "none":
                blocks = _blocks(file, dialect, self._policy)
                self._learn(blocks)
                yield from (parse(block, self._names, dialect) for block in blocks)
                continue
            if opened:
                self._learn(_blocks(file, dialect, self._policy))
            data = file.read(entry.start + piece.lo, piece.hi - piece.lo)
            yield parse(Block(file.label, entry.start + piece.lo, data), self._names, dialect)

    def _learn(self, blocks: Iterator[Block]) -> None:
        """Take the names from the header row, where there is one."""
        if self._dialect.columns is None and (first := next(blocks, None)) is not None:
            self._names = _header(first, self._dialect) or ()


def parse(block: Block, names: Sequence[str], dialect: Dialect) -> Batch:
    """The records of a stretch; those with too few or too many fields, or bad bytes, are unreadable."""
    if dialect.encoding == "utf-8":
        block = without_bom(block)
    try:
        text, clean = block.data.decode(dialect.encoding), True
    except UnicodeDecodeError:
        # What is not UTF-8 becomes surrogates, which no good text holds: so the records at fault can be told.
        text, clean = block.data.decode(dialect.encoding, "surrogateescape"), False
    rows = list(filter(None, csv.reader(StringIO(text, newline=""), delimiter=dialect.delimiter)))
    if not clean or set(map(len, rows)) - {len(names)}:
        return _one_by_one(block, rows, names)
    values = [dict(zip(names, row, strict=True)) for row in rows]
    return Batch(values, partial(_keys, block.label, block.offset, len(rows), ()), len(block.data))


def _one_by_one(block: Block, rows: Sequence[list[str]], names: Sequence[str]) -> Batch:
    values: list[dict[str, Any]] = []
    unreadable: list[Unreadable] = []
    without: set[int] = set()
    for number, row in enumerate(rows):
        error = _fault(row, len(names))
        if error is None:
            values.append(dict(zip(names, row, strict=True)))
        else:
            without.add(number)
            unreadable.append(Unreadable(len(values), f"{block.label}@{block.offset}+{number}", error))
    return Batch(values, partial(_keys, block.label, block.offset, len(rows), without), len(block.data), unreadable)


def _fault(row: Sequence[str], width: int) -> Exception | None:
    if len(row) != width:
        return ValueError(f"the record has {len(row)} fields where the header has {width}")
    try:
        for field in row:
            field.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeDecodeError as error:
        return error.with_traceback(None)
    return None


def _keys(label: str, offset: int, count: int, without: Collection[int]) -> list[str]:
    head = f"{label}@{offset}+"
    return [f"{head}{number}" for number in range(count) if number not in without]
