"""What a job file says, with the place where it says it: a tree of nodes."""

from collections.abc import Mapping

from msgspec import Struct, field

type Scalar = str | int | float | bool | None
type FieldPath = tuple[str | int, ...]
type Plain = Scalar | list[Plain] | dict[str, Plain]

LONGEST_QUOTE = 60


class Place(Struct, frozen=True):
    """Where something was written.

    Attributes:
        origin: the file as the user named it, or the text of a `--set`.
        line: counted from 1; None for a `--set`.
        column: counted in characters from 1.
    """

    origin: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return self.origin if self.line is None else f"{self.origin}:{self.line}:{self.column}"


class Node(Struct, frozen=True):
    """A value and its place.

    Attributes:
        place: where the value starts.
        value: a scalar, a list of nodes, or a mapping of nodes.
        keys: of a mapping, where each key stands.
    """

    place: Place
    value: Scalar | list[Node] | dict[str, Node]
    keys: Mapping[str, Place] = field(default_factory=dict)


def plain(node: Node) -> Plain:
    """The node without its places; nothing in it is shared."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def child(node: Node, step: str | int) -> Node | None:
    """The node one step down: a key of a mapping or an index of a list; None where there is none."""
    if isinstance(node.value, dict) and isinstance(step, str):
        return node.value.get(step)
    if isinstance(node.value, list) and isinstance(step, int):
        return node.value[step] if 0 <= step < len(node.value) else None
    return None


def locate(root: Node, path: FieldPath, *, key: bool = False) -> Place:
    """The place of the value at `path`, or of its key; of the nearest thing around what is not written."""
    place = root.place
    node: Node | None = root
    for step in path:
        parent = node
        node = child(parent, step) if parent is not None else None
        if parent is None or node is None:
            return place
        key_place = parent.keys.get(step, node.place) if isinstance(step, str) else node.place
        place = key_place if key else node.place
    return place


def dotted(path: FieldPath) -> str:
    """A path as messages and `--set` write it: ``input.files.include.0``."""
    return ".".join(shown(str(step)) for step in path)


def shown(text: str) -> str:
    """A user's text as messages quote it: cut where it is long, what a terminal would act on escaped."""
    cut = text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "…"
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in cut)


def describe(value: object) -> str:
    """What was found, in a user's words; `value` is a node's value or a plain one."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"the word {str(value).lower()}"
        case int() | float():
            return f"the number {value}"
        case str():
            return f'the text "{shown(value)}"'
        case list():
            return "a list"
        case _:
            return "a mapping"
