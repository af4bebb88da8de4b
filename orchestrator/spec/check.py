"""Every key and type that is wrong in a job file, found in one walk over the file and the model together.

msgspec stops at the first mistake; this runs only after it has found one, and so may take its time.
"""

import difflib
from collections.abc import Iterator
from types import NoneType

import msgspec

from orchestrator.spec.expected import choices, expected, list_item, literals, mapped_text, struct_in
from orchestrator.spec.model import JobSpec
from orchestrator.spec.nodes import FieldPath, Node, describe, dotted, plain, shown
from orchestrator.spec.problems import Problem
from orchestrator.spec.units import from_plain

YES_AND_NO = frozenset(("yes", "no", "on", "off", "y", "n"))


def shape_problems(root: Node) -> Iterator[Problem]:
    """Yield what keeps the file from being a job: unknown and missing keys, values of another type."""
    yield from _check_struct(JobSpec, root, ())


def _check_struct(kind: type[msgspec.Struct], node: Node, path: FieldPath) -> Iterator[Problem]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    if not isinstance(node.value, dict):
        message = f"found {describe(node.value)}, expected a mapping with {', '.join(fields)}"
        yield Problem(path, message, _as_mapping(kind, node, path))
        return
    for key in node.value:
        if key not in fields:
            yield _unknown_key(key, list(fields), path)
    for key, field in fields.items():
        value = node.value.get(key)
        if value is not None:
            yield from _check_value(field.type, value, (*path, key))
        elif field.required:
            yield Problem(path, f'the key "{key}" is missing; expected {expected(field.type)}')


def _as_mapping(kind: type[msgspec.Struct], node: Node, path: FieldPath) -> str | None:
    """The mapping that was meant by a bare value: its first field that takes such a value."""
    if not path or isinstance(node.value, (list, NoneType)):
        return None
    for field in msgspec.structs.fields(kind):
        if not any(_check_value(field.type, node, path)):
            value = shown(node.value) if isinstance(node.value, str) else str(node.value).lower()
            return f"Write {path[-1]}: {{{field.encode_name}: {value}}}."
    return None


def _check_value(kind: object, node: Node, path: FieldPath) -> Iterator[Problem]:
    if node.value is None and NoneType in choices(kind):
        return
    struct = struct_in(kind)
    if struct is not None:
        yield from _check_struct(struct, node, path)
        return
    item = list_item(kind)
    if item is not None and isinstance(node.value, list):
        for index, below in enumerate(node.value):
            yield from _check_value(item, below, (*path, index))
        return
    if mapped_text(kind) and isinstance(node.value, dict):
        for key, below in node.value.items():
            yield from _check_value(str, below, (*path, key))
        return
    try:
        msgspec.convert(plain(node), kind, dec_hook=from_plain)
    except msgspec.ValidationError:
        message = f"found {describe(node.value)}, expected {expected(kind)}"
        yield Problem(path, message, _type_hint(kind, node, path))


def _type_hint(kind: object, node: Node, path: FieldPath) -> str | None:
    value = node.value
    kinds = choices(kind)
    if isinstance(value, str):
        if bool in kinds and value.lower() in YES_AND_NO:
            return f"Write {'true' if value.lower() in ('yes', 'on', 'y') else 'false'}."
        if value.isascii() and value.isdigit():
            return f"Write {value} without quotes." if "whole number" in expected(kind) else None
        near = difflib.get_close_matches(value, literals(kind), 1)
        return f'Did you mean "{near[0]}"?' if near else None
    if str in kinds and isinstance(value, bool | int | float):
        return "Put it in quotes to make it text."
    if str in kinds and isinstance(value, dict | list) and node.place.origin.startswith("--set "):
        return f"Text that begins with a brace or a bracket needs quotes: --set '{dotted(path)}=\"…\"'"
    return None


def _unknown_key(key: str, allowed: list[str], path: FieldPath) -> Problem:
    near = difflib.get_close_matches(key.lower(), allowed, 1)
    guess = [dotted((*path, near[0]))] if near else [*_places_with(key, JobSpec, ())][:3]
    question = f"Did you mean {' or '.join(guess)}? " if guess else ""
    hint = f"{question}Known here: {', '.join(allowed)}."
    return Problem((*path, key), "unknown key", hint, at_key=True)


def _places_with(key: str, kind: type[msgspec.Struct], path: FieldPath) -> Iterator[str]:
    """Where else in the file a key of this very name belongs."""
    for field in msgspec.structs.fields(kind):
        here = (*path, field.encode_name)
        if field.encode_name == key:
            yield dotted(here)
        struct = struct_in(field.type)
        if struct is not None:
            yield from _places_with(key, struct, here)
