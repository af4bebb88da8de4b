"""``--set path.to.field=value``: one field of the job file, given on the command line."""

from collections.abc import Mapping

from msgspec import structs

from orchestrator.errors import JobFileError
from orchestrator.spec.composer import MAX_DEPTH
from orchestrator.spec.nodes import Node, Place, child, describe, dotted
from orchestrator.spec.scalars import resolve
from orchestrator.spec.yaml_source import compose

FLOW = ("[", "{", '"', "'")


def apply_override(root: Node, text: str) -> Node:
    """A new tree with one field set; mappings on the way to it are made where they are missing.

    A value that begins with a bracket, a brace or a quote is read as YAML, any other as one YAML word, so
    that globs need no quotes. Lists are entered by index; the index after the last appends.

    Args:
        root: the job file's tree; it stays as it is.
        text: ``resources.threads=4``.

    Raises:
        JobFileError: the text has no "=", its value is no YAML, or its path leads through a scalar.
    """
    origin = f"--set {text}"
    path, equals, value = text.partition("=")
    steps = tuple(path.strip().split("."))
    if not equals or not all(steps):
        raise JobFileError("expected path.to.field=value", where=origin, hint="Example: --set resources.threads=4")
    if len(steps) > MAX_DEPTH:
        raise JobFileError(f"the path has more than {MAX_DEPTH} steps", where=origin)
    return _put(root, steps, 0, _value(value.strip(), origin))


def _value(text: str, origin: str) -> Node:
    place = Place(origin)
    if text.startswith(FLOW):
        return _at(_compose(text, origin), place)
    try:
        text.encode()
        return Node(place, resolve(text))
    except UnicodeEncodeError:
        raise JobFileError("the value is not UTF-8", where=origin) from None
    except ValueError as error:
        raise JobFileError(str(error), where=origin) from None


def _compose(text: str, origin: str) -> Node:
    try:
        return compose(text, origin)
    except JobFileError as error:
        raise JobFileError(error.message, where=origin, hint=error.hint) from None


def _at(node: Node, place: Place) -> Node:
    """The same value, all of it at one place: lines and columns inside a `--set` help nobody."""
    if isinstance(node.value, dict):
        value = {key: _at(below, place) for key, below in node.value.items()}
        return Node(place, value, dict.fromkeys(value, place))
    if isinstance(node.value, list):
        return Node(place, [_at(below, place) for below in node.value])
    return Node(place, node.value)


def _put(node: Node, steps: tuple[str, ...], depth: int, new: Node) -> Node:
    if depth == len(steps):
        return new
    step = steps[depth]
    if isinstance(node.value, list):
        index = _index(node.value, steps, depth, new.place)
        below = child(node, index) or Node(new.place, None)
        items = [*node.value[:index], _put(below, steps, depth + 1, new), *node.value[index + 1 :]]
        return structs.replace(node, value=items)
    if not isinstance(node.value, dict | None):
        here = dotted(steps[:depth])
        raise JobFileError(f"{here} is {describe(node.value)}; {step} cannot be set in it", where=str(new.place))
    members: Mapping[str, Node] = node.value or {}
    below = members.get(step, Node(new.place, None))
    is_last = depth + 1 == len(steps)
    key_place = new.place if is_last else node.keys.get(step, new.place)
    value = {**members, step: _put(below, steps, depth + 1, new)}
    return Node(node.place, value, {**node.keys, step: key_place})


def _index(items: list[Node], steps: tuple[str, ...], depth: int, place: Place) -> int:
    step = steps[depth]
    if not (step.isascii() and step.isdigit() and len(step) < 8 and int(step) <= len(items)):
        here = dotted(steps[:depth]) or "the job file"
        raise JobFileError(
            f'{here} is a list of {len(items)}; expected an index from 0 to {len(items)}, found "{step}"',
            where=str(place),
        )
    return int(step)
