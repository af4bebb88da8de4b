"""Values as the text formats write them: numpy's and paths become plain, the rest is refused by name."""

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any

from orchestrator.spec.keys import Key


def plain(value: object) -> object:
    """The plain Python value that stands for a numpy scalar or array, or for a path.

    numpy is recognised by the name of its module, so that writing results never imports it.

    Raises:
        TypeError: no format knows such a value.
    """
    if isinstance(value, PurePath):
        return str(value)
    kind = type(value)
    tolist: Callable[[], Any] | None = getattr(value, "tolist", None)
    if tolist and any(base.__module__.partition(".")[0] == "numpy" for base in kind.__mro__):
        made: object = tolist()
        return made if type(made) is not kind else float(tolist())  # longdouble has no plain twin
    raise TypeError(f"a value of type {type_name(kind)} cannot be written")


def type_name(kind: type) -> str:
    """The name of a type as a user would import it: `decimal.Decimal`, but `set`."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def readable_keys(keys: Sequence[Key]) -> list[Key]:
    r"""The keys, with each byte that is not UTF-8 written as ``\xff``, for formats that hold Unicode only.

    Such bytes are the lone surrogates that `os.fsdecode` leaves in a file's name. The result names the file
    for a reader; it cannot be turned back, as a name may hold a backslash of its own.
    """
    return [key if isinstance(key, int) else _readable(key) for key in keys]


def _readable(key: str) -> str:
    try:
        return key.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        return key.encode("utf-8", "backslashreplace").decode("utf-8")


def not_unicode(error: UnicodeEncodeError) -> ValueError:
    """The error for a result with a lone surrogate in its text."""
    found = ascii(error.object[error.start])
    return ValueError(f"the result's text has the lone surrogate {found}, which no Unicode text may hold")


def content(result: object) -> bytes | bytearray | memoryview:
    """The bytes of a file whose content is a result.

    Raises:
        TypeError: it is neither bytes nor text.
        ValueError: the text cannot be UTF-8.
    """
    if isinstance(result, memoryview):
        return result if result.c_contiguous else result.tobytes()
    if isinstance(result, bytes | bytearray):
        return result
    if not isinstance(result, str):
        raise TypeError(f"the result is of type {type_name(type(result))}; a tree's files hold bytes or text")
    try:
        return result.encode()
    except UnicodeEncodeError as error:
        raise not_unicode(error) from None
