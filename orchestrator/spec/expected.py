"""What a field of the model takes, in a user's words, read from its type."""

from types import NoneType, UnionType
from typing import Annotated, Literal, TypeAliasType, Union, get_args, get_origin

import msgspec

from orchestrator.spec.units import Quantity

WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false", dict: "a mapping"}


def choices(kind: object) -> list[object]:
    """The members of a union, flattened; the type itself where it is none."""
    if isinstance(kind, TypeAliasType):
        return choices(kind.__value__)
    if get_origin(kind) in (Union, UnionType):
        return [member for part in get_args(kind) for member in choices(part)]
    return [kind]


def literals(kind: object) -> list[str]:
    """The words that a type takes as they stand."""
    return [word for member in choices(kind) if get_origin(member) is Literal for word in get_args(member)]


def struct_in(kind: object) -> type[msgspec.Struct] | None:
    """The part of the model that a field holds, if it holds one."""
    for member in choices(kind):
        if isinstance(member, type) and issubclass(member, msgspec.Struct):
            return member
    return None


def list_item(kind: object) -> object:
    """The type of a list's items, where the type is or may be a list; else None."""
    for member in choices(kind):
        if get_origin(member) is list:
            return get_args(member)[0]
    return None


def mapped_text(kind: object) -> bool:
    """Whether the type is a mapping of names to texts."""
    return any(get_origin(member) is dict and get_args(member) == (str, str) for member in choices(kind))


def expected(kind: object) -> str:
    """A phrase for what the type takes: ``"auto" or a whole number from 1 to 4096``; null is left out."""
    words = [f'"{word}"' for word in literals(kind)]
    others = [
        _phrase(member) for member in choices(kind) if get_origin(member) is not Literal and member is not NoneType
    ]
    if len(words) > 2 and not others:
        return f"one of {', '.join(words)}"
    return " or ".join(words + others)


def _phrase(kind: object) -> str:
    if get_origin(kind) is Annotated:
        base, *notes = get_args(kind)
        return _bounded(base, [note for note in notes if isinstance(note, msgspec.Meta)])
    if get_origin(kind) is list:
        return f"a list of {_plural(get_args(kind)[0])}"
    if isinstance(kind, type) and issubclass(kind, Quantity):
        return kind.expected
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return f"a mapping with {_names(kind)}"
    return next((word for plain, word in WORDS.items() if plain in (kind, get_origin(kind))), "a value")


def _bounded(base: object, notes: list[msgspec.Meta]) -> str:
    for note in notes:
        if note.max_length == 1:
            return "one character"
        if note.ge is not None and note.le is not None:
            return f"{_phrase(base)} from {note.ge} to {note.le}"
        if note.ge is not None:
            return f"{_phrase(base)}, {note.ge} or more"
    return _phrase(base)


def _plural(kind: object) -> str:
    return "texts" if kind is str else "values"


def _names(kind: type[msgspec.Struct]) -> str:
    return ", ".join(field.encode_name for field in msgspec.structs.fields(kind))
