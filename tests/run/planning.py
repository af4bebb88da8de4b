"""Plans to test with: a source of given entries, and what their axis looks like without any plan."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from orchestrator.inputs.base import Entry, Piece, Reader
from orchestrator.run import plan
from orchestrator.run.plan import PlanIndex, PlanReader, write_plan
from orchestrator.store.base import Store
from orchestrator.store.memory import MemoryStore

PART = 3
"""How many entries a part holds here, so that a few entries make many parts."""


@dataclass
class Listed:
    """A source whose entries are given; it has no items to read."""

    unit: str
    listed: Iterable[Entry]
    told: Sequence[str] = field(default=())

    def entries(self) -> Iterator[Entry]:
        return iter(self.listed)

    def notes(self) -> Sequence[str]:
        return self.told

    def reader(self) -> Reader:
        raise NotImplementedError


def planned(unit: str, entries: Iterable[Entry], *, store: Store | None = None, shards: int = 1) -> PlanReader:
    """The plan of entries, in parts of PART."""
    store = MemoryStore() if store is None else store
    return PlanReader(store, index_of(unit, entries, store, shards))


def index_of(unit: str, entries: Iterable[Entry], store: Store, shards: int = 1) -> PlanIndex:
    """The index of a plan that is written now, in parts of PART."""
    source = Listed(unit, entries)
    before, plan.ENTRIES_A_PART = plan.ENTRIES_A_PART, PART
    try:
        return write_plan(store, source, source.entries(), shards, lambda: None)
    finally:
        plan.ENTRIES_A_PART = before


def spread(pieces: Iterable[Piece]) -> list[tuple[Entry, int]]:
    """Every unit of the pieces: its entry, and its number in it."""
    return [(piece.entry, unit) for piece in pieces for unit in range(piece.lo, piece.hi)]


def axis_of(entries: Iterable[Entry]) -> list[tuple[Entry, int]]:
    """The axis of entries, spread out."""
    return [(entry, unit) for entry in entries for unit in range(entry.units)]


def _entry(number: int, units: int, size: int, whole: bool) -> Entry:
    return Entry(b"%d" % number, units, 0, size, number, whole)


@st.composite
def byte_entries(draw: st.DrawFn, least: int = 0) -> list[Entry]:
    """Stretches of text files, some of which must not be cut."""
    shapes = draw(st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=least, max_size=20))
    return [_entry(number, units, units, whole) for number, (units, whole) in enumerate(shapes)]


@st.composite
def file_entries(draw: st.DrawFn, least: int = 0) -> list[Entry]:
    """Files of some sizes, empty ones among them."""
    sizes = draw(st.lists(st.integers(0, 50), min_size=least, max_size=30))
    return [_entry(number, 1, size, False) for number, size in enumerate(sizes)]
