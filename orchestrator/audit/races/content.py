"""What a value holds, as text that is equal in another process where the value is: no addresses, no order of sets."""

import builtins
import datetime
import decimal
import enum
import fractions
import hashlib
import pathlib
import uuid
from collections import deque
from collections.abc import Iterable
from types import CellType, FunctionType
from typing import Any

_PLAIN = (
    *(type(None), bool, int, complex, range, decimal.Decimal, fractions.Fraction, uuid.UUID, enum.Enum),
    *(datetime.date, datetime.time, datetime.timedelta, pathlib.PurePath),
)
# Python 3.15 has a frozendict, which is no dict.
_DICTS = (dict, getattr(builtins, "frozendict", dict))
_MOST = 100_000
_LONG = 200


class TooLarge(Exception):
    """The value has more parts than are looked at."""


class Content:
    """Writes values down.

    Args:
        modules: the modules whose classes and functions are looked into; other objects are told by their type.
        exact: keep the order of lists and all digits of floats, as for a result; not so for what threads fill together.
    """

    def __init__(self, modules: frozenset[str], exact: bool) -> None:
        self._modules = modules
        self._exact = exact
        self._left = _MOST
        self._inside: set[int] = set()

    def text(self, value: Any) -> str:
        """The value's content.

        Raises:
            TooLarge: it has more than 100,000 parts.
        """
        self._left -= 1
        if self._left < 0:
            raise TooLarge
        if isinstance(value, float):
            return repr(value) if self._exact else f"{value:.9g}"
        if isinstance(value, _PLAIN):
            return repr(value)
        if isinstance(value, str):
            return _short(repr(value))
        if id(value) in self._inside:
            return "…"
        self._inside.add(id(value))
        try:
            return self._parts(value)
        finally:
            self._inside.discard(id(value))

    def _parts(self, value: Any) -> str:
        name = type(value).__name__
        if isinstance(value, _DICTS):
            entries = (f"{self.text(key)}: {self.text(one)}" for key, one in value.items())
            return _bracketed(name, ", ".join(sorted(entries)))
        if isinstance(value, (set, frozenset)):
            return _bracketed(name, ", ".join(sorted(map(self.text, value))))
        if isinstance(value, (list, tuple, deque)):
            return _bracketed(name, self._several(value))
        buffer = _buffer(value)
        if buffer is not None:
            return f"{name}({buffer})"
        return self._object(value)

    def _several(self, values: Iterable[Any]) -> str:
        texts = [*map(self.text, values)]
        return ", ".join(texts if self._exact else sorted(texts))

    def _object(self, value: Any) -> str:
        if isinstance(value, FunctionType) and value.__module__ in self._modules:
            kept = [value.__defaults__, value.__kwdefaults__, *map(_held, value.__closure__ or ())]
            return f"function({self._several([one for one in kept if one is not None])})"
        if isinstance(value, type):
            if value.__module__ not in self._modules:
                return f"class {value.__qualname__}"
            fields = {key: one for key, one in vars(value).items() if not key.startswith("__")}
            return f"class {value.__qualname__}({self.text(fields)})"
        if type(value).__module__ in self._modules and hasattr(value, "__dict__"):
            return f"{type(value).__name__}({self.text(dict(vars(value)))})"
        return f"<{type(value).__qualname__}>"


def _bracketed(name: str, inside: str) -> str:
    start, end = {"list": ("[", "]"), "tuple": ("(", ")"), "dict": ("{", "}")}.get(name, (f"{name}(", ")"))
    return f"{start}{inside}{end}"


def _buffer(value: Any) -> str | None:
    """What bytes and arrays hold."""
    try:
        view = memoryview(value)
    except TypeError, ValueError, BufferError:
        return None
    with view:
        if "O" in view.format or "P" in view.format:
            return None
        data = view.tobytes()
        return f"{view.format} {view.shape} {_short(data.hex())}"


def _held(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _short(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:20]}… {hashlib.sha256(text.encode(errors='replace')).hexdigest()}"
