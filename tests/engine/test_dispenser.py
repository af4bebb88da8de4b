"""What is missing is handed out once, in chunks that can be done."""

import threading
from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.dispenser import Chunk, Dispenser
from orchestrator.inputs.base import Entry
from orchestrator.run.intervals import union
from orchestrator.run.plan import PlanReader
from tests.engine.parts import Script, places, plan_of, unhurried


class Entries:
    """A source that is nothing but its entries."""

    def __init__(self, unit: str, entries: list[Entry]) -> None:
        self.unit = unit
        self._entries = entries

    def entries(self):
        return iter(self._entries)

    def notes(self):
        return ()


def entry_of(units: int, whole: bool, size: int) -> Entry:
    """An entry of that length."""
    return Entry(b"e", units, size=size, whole=whole)


entries_of_bytes = st.lists(st.builds(entry_of, st.integers(1, 60), st.booleans(), st.integers(0, 99)), max_size=12)


@st.composite
def gapped(draw):
    """Entries, and gaps of the axis that begin and end where a chunk can: never inside a whole entry."""
    entries = draw(entries_of_bytes)
    ends = list(accumulate((entry.units for entry in entries), initial=0))
    cuts = {0, ends[-1]}
    for entry, start in zip(entries, ends, strict=False):
        cuts.add(start)
        if not entry.whole and entry.units > 1:
            cuts |= {start + at for at in draw(st.sets(st.integers(1, entry.units - 1), max_size=3))}
    spans = [span for span in pairwise(sorted(cuts)) if draw(st.booleans())]
    return entries, union(spans)


def drain(dispenser: Dispenser, appetites: list[tuple[int, int]]) -> list[Chunk]:
    """All chunks, asked for with one appetite after the other, from as many threads as there are appetites."""
    found: list[list[Chunk]] = [[] for _ in appetites]
    together = threading.Barrier(len(appetites))

    def work(mine: list[Chunk], appetite: tuple[int, int]) -> None:
        together.wait()
        while (chunk := dispenser.take(*appetite)) is not None:
            mine.append(chunk)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(found, appetites, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [chunk for mine in found for chunk in mine]


def check_cut(plan: PlanReader, chunk: Chunk) -> None:
    """No piece of a chunk is a part of a whole entry."""
    for piece in plan.pieces(chunk.lo, chunk.hi):
        assert not piece.entry.whole or (piece.lo, piece.hi) == (0, piece.entry.units)


appetites_of_threads = st.lists(st.tuples(st.integers(1, 200), st.integers(1, 200)), min_size=1, max_size=4)


@given(gapped(), appetites_of_threads)
@unhurried
def test_chunks_tile_the_gaps(layout, appetites):
    """Whatever is missing and whatever threads ask for: each number is handed out once, whole entries uncut."""
    entries, gaps = layout
    source = Entries("byte", entries)
    plan = plan_of(source)
    chunks = drain(Dispenser(plan, gaps, [], len(appetites)), appetites)
    assert union((chunk.lo, chunk.hi) for chunk in chunks) == gaps
    assert sum(chunk.hi - chunk.lo for chunk in chunks) == sum(hi - lo for lo, hi in gaps)
    assert all(chunk.lo < chunk.hi for chunk in chunks)
    for chunk in chunks:
        check_cut(plan, chunk)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.integers(1, 30), st.integers(1, 100))
@unhurried
def test_files_are_bounded_by_bytes(sizes, units, nbytes):
    """A chunk of files ends with the file that fills the byte appetite, and has never more files than asked for."""
    source = Entries("file", [entry_of(1, False, size) for size in sizes])
    dispenser = Dispenser(plan_of(source), [(0, len(sizes))], [], 1)
    while (chunk := dispenser.take(units, nbytes)) is not None:
        assert chunk.hi - chunk.lo <= units
        assert sum(sizes[chunk.lo : chunk.hi - 1]) < nbytes


@given(st.integers(1, 5000), st.integers(1, 8), st.integers(1, 2000))
@unhurried
def test_chunks_shrink_towards_the_end(units, threads, appetite):
    """No chunk is more than a thread's half share of what is left, so that all threads end at about the same time."""
    source = Entries("item", [entry_of(units, False, 0)])
    dispenser = Dispenser(plan_of(source), [(0, units)], [], threads)
    left = units
    sizes = []
    while (chunk := dispenser.take(appetite, 1)) is not None:
        assert chunk.hi - chunk.lo <= max(1, min(appetite, left // (2 * threads)))
        left -= chunk.hi - chunk.lo
        sizes.append(chunk.hi - chunk.lo)
    assert left == 0
    assert sizes == sorted(sizes, reverse=True)


def test_order():
    """One thread gets the gaps in input order."""
    source = Entries("item", [entry_of(100, False, 0)])
    dispenser = Dispenser(plan_of(source), [(5, 20), (40, 43), (90, 100)], [], 2)
    spans = []
    while (chunk := dispenser.take(4, 1)) is not None:
        spans.append((chunk.lo, chunk.hi))
    assert spans == sorted(spans)


def test_retries_come_first():
    """Failed items that are to be tried again are handed out before what is missing, as they were asked for."""
    source = Entries("item", [entry_of(10, False, 0)])
    again = [Chunk(0, 4, only=(1,)), Chunk(4, 8, only=(0,))]
    dispenser = Dispenser(plan_of(source), [(8, 10)], again, 1)
    assert [dispenser.take(10, 1) for _ in range(3)] == [*again, Chunk(8, 9)]


def test_nothing_missing():
    """An empty plan, and one that is done, have no chunk."""
    assert Dispenser(plan_of(Entries("item", [])), [], [], 3).take(1, 1) is None
    assert Dispenser(plan_of(Entries("item", [entry_of(5, False, 0)])), [], [], 3).take(1, 1) is None


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(1, 40), appetites_of_threads)
@unhurried
def test_the_limited_entry_is_a_chunk_of_its_own(lengths, limit, appetites):
    """Where only some items of the last entry are wanted, that entry alone is the chunk that says so."""
    plan = plan_of(Script(places(sum(lengths)), whole=lengths), limit=limit)
    units = sum(lengths)
    chunks = drain(Dispenser(plan, [(0, units)], [], len(appetites)), appetites)
    limited = [(chunk.lo, chunk.hi, chunk.limit) for chunk in chunks if chunk.limit is not None]
    assert limited == [(units - lengths[-1], units, limit)]


def test_a_limit_holds_for_a_retry_of_the_whole_chunk():
    """A limited chunk that could not be read is tried again with its limit."""
    plan = plan_of(Script(places(9), whole=[4, 5]), limit=2)
    dispenser = Dispenser(plan, [], [Chunk(0, 4, only=(1,)), Chunk(4, 9, only=(2,))], 1)
    assert dispenser.take(1, 1) == Chunk(0, 4, only=(1,))
    assert dispenser.take(1, 1) == Chunk(4, 9, only=(2,), limit=2)
