"""What was seen when a task was run on a sample, as data."""

from math import inf
from typing import Literal

from msgspec import Struct

from orchestrator.audit.findings import Finding

# The items that run one after the other, or two at a time.
type Steps = list[tuple[int, ...]]


class Part(Struct, frozen=True):
    """How the sample is run.

    Attributes:
        how: on the main thread; on two threads by turns, with the same delays; or on two threads that meet.
        steps: the items by number, one or two at a time.
        enough: seconds after which no further step is begun.
        few: seconds after which four steps are enough.
        chance: how often a thread stops at a place.
        seed: of that chance.
    """

    how: Literal["main", "turns", "meet"]
    steps: Steps
    enough: float
    few: float = inf
    chance: float = 1
    seed: int = 0


class Told(Struct, frozen=True):
    """What became of one item.

    Attributes:
        how: it returned, or it raised.
        what: the result's content, shortened, or the exception's type.
        digest: of the whole content; equal for equal results.
        line: where in the task's file it raised, 0 if it did not.
    """

    how: Literal["returned", "raised"]
    what: str
    digest: str
    line: int = 0

    @property
    def same(self) -> tuple[str, str]:
        """What is equal where the same became of the item."""
        return self.how, self.digest


class Met(Struct, frozen=True, array_like=True):
    """Two threads at two lines at the same moment.

    Attributes:
        items, lines, files: what each of them was at; a file by its number.
        stores: whether one of them was about to store something or to call.
    """

    items: tuple[int, int]
    lines: tuple[int, int]
    stores: bool
    files: tuple[int, int] = (0, 0)


class Played(Struct, frozen=True):
    """What a run on the sample gave.

    Attributes:
        files: the task's file, then those of the user's other modules that were watched.
        keys: the items' keys, as text.
        told: what became of each item, by its number.
        state: what the module's variables and the process state held at the end, by name; too large ones are left out.
        met: where threads met.
        seconds: how long the items took.
    """

    files: list[str]
    keys: list[str]
    told: dict[int, Told]
    state: dict[str, str]
    met: list[Met]
    seconds: float

    @property
    def file(self) -> str:
        """The task's file."""
        return self.files[0]


class Ended(Struct, frozen=True):
    """A run that ended its process, or did not end.

    Attributes:
        how: what happened.
        last: where two threads met last, if they did.
        files: the files by number that this speaks of.
    """

    how: str
    last: Met | None = None
    files: list[str] = []


class Probe(Struct, frozen=True):
    """How far a task was tried.

    Attributes:
        items: how many items were tried, 0 where that was not possible.
        rounds, of: how many rounds with two at a time there were, and how many there can be.
        cut: whether there would have been more, had there been more time.
        seconds: how long it took.
    """

    items: int = 0
    rounds: int = 0
    of: int = 0
    cut: bool = False
    seconds: float = 0.0


class Tried(Struct, frozen=True):
    """What trying a task found, and how far it came."""

    findings: list[Finding]
    probe: Probe = Probe()
