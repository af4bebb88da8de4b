"""From a YAML parser's events to a tree of nodes: the limits, and what a job file may not use.

Nothing here recurses, so that depth, size and the expansion of aliases are limits and not accidents.
"""

import re
from typing import Any, NamedTuple

import yaml
from msgspec import Struct, field

from orchestrator.errors import JobFileError
from orchestrator.spec.nodes import Node, Place, shown
from orchestrator.spec.scalars import resolve

MAX_DEPTH = 40
MAX_NODES = 100_000
MAX_TEXT = 4 << 20
PLAIN_TAGS = frozenset((None, "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"))

_SURROGATE = re.compile("[\ud800-\udfff]")


def place_of(mark: Any, origin: str) -> Place:
    """The place of a parser's mark."""
    return Place(origin, mark.line + 1, mark.column + 1)


class _Weight(NamedTuple):
    """What an anchored node stands for wherever an alias repeats it."""

    nodes: int
    text: int
    height: int


class _Open(Struct):
    """A list or a mapping whose end has not come yet, and what had been counted before it."""

    place: Place
    value: list[Node] | dict[str, Node]
    anchor: str | None
    nodes: int
    text: int
    height: int = 1
    keys: dict[str, Place] = field(default_factory=dict)
    key: str | None = None


class Composer:
    """Puts a parser's events together to a tree, and counts while it does."""

    def __init__(self, origin: str) -> None:
        self.root: Node | None = None
        self._origin = origin
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, _Weight] | None] = {}
        self._nodes = 0
        self._text = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        place = place_of(event.start_mark, self._origin)
        match event:
            case yaml.DocumentStartEvent() if self.root is not None:
                raise JobFileError("a second document begins here; a job file holds one job", where=str(place))
            case yaml.AliasEvent():
                self._take_alias(event.anchor, place)
            case yaml.ScalarEvent():
                self._take_scalar(event, place)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._take_start(event, place)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._take_end()

    def _take_scalar(self, event: yaml.ScalarEvent, place: Place) -> None:
        self._check_tag(event.tag, place)
        self._count(1, len(event.value), place)
        if _SURROGATE.search(event.value):
            raise JobFileError("found half of a surrogate pair, which is no character", where=str(place))
        is_word = event.implicit[0] and event.tag is None
        try:
            value = resolve(event.value) if is_word else event.value
        except ValueError as error:
            raise JobFileError(str(error), where=str(place)) from None
        node = Node(place, value)
        if event.anchor:
            self._anchors[event.anchor] = (node, _Weight(1, len(event.value), 0))
        if self._expects_key():
            self._take_key(value, place, is_merge=is_word and event.value == "<<")
        else:
            self._add(node, 0)

    def _take_key(self, value: object, place: Place, *, is_merge: bool) -> None:
        if is_merge:
            raise JobFileError(
                "merge keys (<<) are not supported",
                where=str(place),
                hint="Write the keys out; an alias may stand for a whole value.",
            )
        if not isinstance(value, str):
            word = "null" if value is None else str(value).lower()
            raise JobFileError(f'found the key {word}, expected text; write it in quotes: "{word}"', where=str(place))
        top = self._open[-1]
        if value in top.keys:
            first = top.keys[value]
            raise JobFileError(
                f'the key "{shown(value)}" stands twice in one mapping; '
                f"it was first written at line {first.line}, column {first.column}",
                where=str(place),
            )
        top.keys[value] = place
        top.key = value

    def _take_start(self, event: yaml.SequenceStartEvent | yaml.MappingStartEvent, place: Place) -> None:
        self._check_tag(event.tag, place)
        if self._expects_key():
            raise JobFileError("found a list or a mapping as a key, expected text", where=str(place))
        if len(self._open) >= MAX_DEPTH:
            raise JobFileError(f"nested more than {MAX_DEPTH} levels deep", where=str(place))
        value: list[Node] | dict[str, Node] = [] if isinstance(event, yaml.SequenceStartEvent) else {}
        self._open.append(_Open(place, value, event.anchor, self._nodes, self._text))
        self._count(1, 0, place)
        if event.anchor:
            self._anchors[event.anchor] = None

    def _take_end(self) -> None:
        done = self._open.pop()
        node = Node(done.place, done.value, done.keys)
        if done.anchor:
            weight = _Weight(self._nodes - done.nodes, self._text - done.text, done.height)
            self._anchors[done.anchor] = (node, weight)
        self._add(node, done.height)

    def _take_alias(self, anchor: str | None, place: Place) -> None:
        if anchor is None or anchor not in self._anchors:
            raise JobFileError(
                f"the alias *{anchor} has no anchor &{anchor} before it",
                where=str(place),
                hint="Text that begins with * needs quotes.",
            )
        target = self._anchors[anchor]
        if target is None:
            raise JobFileError(f"the alias *{anchor} stands inside what it repeats", where=str(place))
        if self._expects_key():
            raise JobFileError("found an alias as a key, expected text", where=str(place))
        node, weight = target
        if len(self._open) + weight.height > MAX_DEPTH:
            raise JobFileError(f"nested more than {MAX_DEPTH} levels deep by its aliases", where=str(place))
        self._count(weight.nodes, weight.text, place)
        self._add(node, weight.height)

    def _add(self, node: Node, height: int) -> None:
        if not self._open:
            self.root = node
            return
        top = self._open[-1]
        top.height = max(top.height, height + 1)
        if isinstance(top.value, list):
            top.value.append(node)
        elif top.key is not None:
            top.value[top.key] = node
            top.key = None

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _count(self, nodes: int, text: int, place: Place) -> None:
        self._nodes += nodes
        self._text += text
        if self._nodes > MAX_NODES:
            message = f"more than {MAX_NODES} values, aliases counted each time"
            raise JobFileError(message, where=str(place))
        if self._text > MAX_TEXT:
            message = f"more than {MAX_TEXT >> 20} MiB of text, aliases counted each time"
            raise JobFileError(message, where=str(place))

    def _check_tag(self, tag: str | None, place: Place) -> None:
        if tag not in PLAIN_TAGS:
            name = tag.replace("tag:yaml.org,2002:", "!!") if tag else ""
            raise JobFileError(f"the tag {shown(name)} is not allowed in a job file", where=str(place))
