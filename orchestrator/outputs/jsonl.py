r"""JSON Lines: one `{"key": …, "result": …}` a line, or the bare result.

Guarantees: every line is one JSON value in UTF-8 and ends with a newline; a failed call leaves nothing
behind. Assumes: an encoder is used by one thread at a time.

How values are written: as msgspec does (sets and tuples as arrays, bytes as base64, dates in ISO 8601,
decimals and UUIDs as strings, enums by value, dataclasses and Structs as objects), numpy scalars and arrays
as their `tolist()`, paths as strings. NaN and the infinities become null, since JSON has none of them.
A key that is not UTF-8 (a file's name can be) has its odd bytes written as text: ``caf\xe9.jpg``.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.json import Encoder

from orchestrator.outputs.plain import not_unicode, plain, readable_keys, type_name
from orchestrator.spec.keys import Key

_TOO_DEEP = "the result is nested too deeply for JSON, or holds itself"
_ONLY_AS_VALUES = (type(None), bool, tuple, list, dict, set, frozenset)


class JsonlEncoder:
    """Writes records as JSON Lines.

    The record's class is made anew for each encoder: making an instance counts a reference of its class, and
    two threads that share the class pay twice as much a record as two that do not (150 ns against 75).
    """

    def __init__(self, keys: bool) -> None:
        self.needs_keys = keys
        self._record = _record_type()
        self._lines: Callable[[Iterable[Any]], bytes] = Encoder(enc_hook=_hook).encode_lines

    def encode(self, keys: Sequence[Key], results: Sequence[Any]) -> bytes:
        """One line for each result.

        Raises:
            TypeError: a result of a type that JSON cannot hold.
            ValueError: a result with text that is not Unicode, or one that holds itself.
        """
        try:
            return self._encode(keys, results)
        except UnicodeEncodeError as error:
            if not self.needs_keys:
                raise not_unicode(error) from None
        try:
            return self._encode(readable_keys(keys), results)
        except UnicodeEncodeError as error:
            raise not_unicode(error) from None

    def _encode(self, keys: Sequence[Key], results: Sequence[Any]) -> bytes:
        try:
            if self.needs_keys:
                return self._lines(list(map(self._record, keys, results, strict=True)))
            return self._lines(results)
        except RecursionError:
            raise ValueError(_TOO_DEEP) from None


def encode_document(value: object) -> bytes:
    """One value as a JSON document that ends with a newline, by the rules of the lines above.

    Raises:
        TypeError, ValueError: as for a line.
    """
    try:
        return Encoder(enc_hook=_hook).encode(value) + b"\n"
    except UnicodeEncodeError as error:
        raise not_unicode(error) from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def _hook(value: object) -> object:
    if isinstance(value, _ONLY_AS_VALUES):
        raise TypeError(f"a key of type {type_name(type(value))} in a dict cannot be written as JSON")
    try:
        return plain(value)
    except TypeError as error:
        raise TypeError(f"{error} as JSON") from None


def _record_type() -> Callable[[Key, Any], Struct]:
    class Record(Struct, frozen=True, gc=False):
        key: Key
        result: Any

    return Record
