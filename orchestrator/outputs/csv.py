r"""CSV by RFC 4180: fields quoted where they must be, in UTF-8, one record a line, lines ended by "\n".

(The RFC says CRLF; every reader takes "\n", and the tools of a shell want it.)

Guarantees: a CSV reader gives back the strings that were written; a failed call leaves nothing behind.
Assumes: an encoder is used by one thread at a time.

Numbers and booleans are written as Python's `str` has them (NaN is ``nan``), None as an empty field, enums by
value, dates in ISO 8601. A key that is not UTF-8 has its odd bytes written as text: ``caf\xe9.jpg``.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from io import StringIO
from operator import itemgetter
from pathlib import PurePath
from typing import Any
from uuid import UUID

from orchestrator.errors import OutputError
from orchestrator.outputs.columns import holds_any, interleave
from orchestrator.outputs.plain import not_unicode, plain, readable_keys, type_name
from orchestrator.spec.keys import Key

_TEXT = {str}
_NUMBERS = {int, float, bool}
_BYTES = (bytes, bytearray, memoryview)
_CONTAINERS = (list, tuple, set, frozenset, Mapping)
_AS_STR = (str, int, float, Decimal, UUID, PurePath)


class CsvEncoder:
    """Writes results as CSV records: scalars in one column, dicts and rows in the columns named.

    Args:
        keys: whether the first column is the item's key.
        columns: the names of a result's columns. A dict gives its values by these names (a missing one is
            empty, an unknown one an error), a tuple or list by position. None: the result is one scalar.

    Raises:
        OutputError: there is no column, or two of one name.
    """

    def __init__(self, keys: bool, columns: Sequence[str] | None) -> None:
        self.needs_keys = keys
        self._columns = None if columns is None else tuple(columns)
        self._row = None if self._columns is None else _row_maker(self._columns)
        self._names = column_names(keys, self._columns)

    def header(self) -> bytes:
        """The header record."""
        return _encode([[name] for name in self._names], 1)

    def encode(self, keys: Sequence[Key], results: Sequence[Any]) -> bytes:
        """One record for each result.

        Raises:
            TypeError: a value that is no scalar (bytes, a list), or no row where columns are named.
            ValueError: a column that is not named, too few fields, or text that is not Unicode.
        """
        columns = self._result_columns(results)
        count = len(results)
        if not self.needs_keys:
            return _encode(columns, count)
        try:
            return _write([_cells(keys), *columns], count).encode()
        except UnicodeEncodeError:
            return _encode([_cells(readable_keys(keys)), *columns], count)

    def _result_columns(self, results: Sequence[Any]) -> list[Sequence[str]]:
        if self._row is None:
            return [_cells(results)]
        rows = list(map(self._row, results))
        return [_cells(column) for column in zip(*rows, strict=True)] or [()] * len(self._columns or ())


def column_names(keys: bool, columns: Sequence[str] | None) -> tuple[str, ...]:
    """The names in the header record.

    Raises:
        OutputError: there is no column, or two of one name.
    """
    names = (*(("key",) if keys else ()), *(("result",) if columns is None else columns))
    if columns is not None and not columns:
        raise OutputError("output.columns is empty; it names at least one column", where="output.columns")
    if len(set(names)) < len(names):
        found = ", ".join(names)
        hint = "With `keys: true` the first column is the key's, named key." if keys else None
        raise OutputError(f"two columns have one name: {found}", where="output.columns", hint=hint)
    return names


def _encode(columns: Sequence[Sequence[str]], count: int) -> bytes:
    try:
        return _write(columns, count).encode()
    except UnicodeEncodeError as error:
        raise not_unicode(error) from None


def _write(columns: Sequence[Sequence[str]], count: int) -> str:
    if not holds_any(columns, ',"\r\n') and (len(columns) > 1 or "" not in columns[0]):
        return interleave(columns, ["", *[","] * (len(columns) - 1), "\n"], count)
    text = StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(zip(*columns, strict=True))
    return text.getvalue()


def _cells(values: Sequence[Any]) -> Sequence[str]:
    kinds = set(map(type, values))
    if kinds == _TEXT:
        return values
    return list(map(str, values)) if kinds <= _NUMBERS else list(map(_cell, values))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Enum):
        return _cell(value.value)
    if isinstance(value, _AS_STR):
        return str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    found = type_name(type(value))
    if isinstance(value, _BYTES):
        raise TypeError(f"the result is {found}, which CSV cannot hold; decode it, or give its hex()")
    if isinstance(value, _CONTAINERS):
        raise TypeError(f"a {found} is no field of CSV; name its parts in output.columns, or write JSONL")
    try:
        return _cell(plain(value))
    except TypeError as error:
        raise TypeError(f"{error} as CSV") from None


def _row_maker(columns: tuple[str, ...]) -> Callable[[Any], Sequence[Any]]:
    """A function that gives a result's fields in the columns' order."""
    width = len(columns)
    known = frozenset(columns)
    pick: Callable[[Any], Sequence[Any]] = itemgetter(*columns) if width > 1 else lambda result: (result[columns[0]],)

    def row(result: object) -> Sequence[Any]:
        if isinstance(result, dict):
            if len(result) == width and result.keys() == known:
                return pick(result)
            if extra := sorted(map(str, result.keys() - known)):
                raise ValueError(f"the result has {', '.join(map(repr, extra))}, not among output.columns")
            return [result.get(name) for name in columns]
        fields = result if isinstance(result, tuple | list) else _listed(result)
        if len(fields) != width:
            raise ValueError(f"the result has {len(fields)} fields, output.columns names {width}")
        return fields

    return row


def _listed(result: object) -> list[Any]:
    """An array's row as a list."""
    made = None if isinstance(result, PurePath) or not hasattr(result, "tolist") else plain(result)
    if not isinstance(made, list):
        found = type_name(type(result))
        raise TypeError(f"the result is of type {found}; output.columns needs a dict, a tuple or a list")
    return made
