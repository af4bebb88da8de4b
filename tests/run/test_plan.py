"""The plan: written once, read in slices, cut into chunks."""

import tracemalloc
from collections.abc import Iterator
from itertools import accumulate, pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import InputError, RunDamaged
from orchestrator.inputs.base import Entry
from orchestrator.run.plan import INDEX, PlanReader, all_entries, read_index, write_plan
from orchestrator.store.base import NotFound
from orchestrator.store.local import LocalStore
from orchestrator.store.memory import MemoryStore
from tests.run.planning import Listed, axis_of, byte_entries, file_entries, index_of, planned, spread

MEGABYTE = 1 << 20


@given(byte_entries(), st.data())
def test_pieces_are_the_axis(entries: list[Entry], data: st.DataObject) -> None:
    """The pieces of adjacent intervals, joined, are the pieces of their union, wherever the cuts fall."""
    plan, axis = planned("byte", entries), axis_of(entries)
    cuts = data.draw(st.lists(st.integers(0, len(axis)), max_size=8))
    found = []
    for lo, hi in pairwise(sorted([0, *cuts, len(axis)])):
        pieces = plan.pieces(lo, hi)
        assert all(piece.lo < piece.hi for piece in pieces)
        assert spread(pieces) == axis[lo:hi]
        found += spread(pieces)
    assert found == axis


@given(byte_entries(least=1), st.integers(1, 30), st.data())
def test_cuts_of_bytes(entries: list[Entry], units: int, data: st.DataObject) -> None:
    """A chunk has the wanted units or reaches the end; only a whole entry, which is never split, makes it longer."""
    plan, axis = planned("byte", entries), axis_of(entries)
    ends = accumulate(entry.units for entry in entries)
    end = data.draw(st.sampled_from(list(ends)))
    lo = 0
    while lo < end:
        hi = plan.cut(lo, units, 1, end)
        assert lo < hi <= end
        last, at = axis[hi - 1]
        if last.whole:
            assert at == last.units - 1
            start = hi - last.units
            assert start < lo + units
            assert hi == end or hi >= lo + units
        else:
            assert hi == min(end, lo + units)
        lo = hi
    assert lo == end


@given(file_entries(least=1), st.integers(1, 10), st.integers(1, 120), st.data())
def test_cuts_of_files(entries: list[Entry], units: int, size: int, data: st.DataObject) -> None:
    """A chunk of files ends with the file that brings it to the wanted number or bytes, and not before."""
    plan = planned("file", entries)
    end = data.draw(st.integers(1, len(entries)))
    lo = 0
    while lo < end:
        hi = plan.cut(lo, units, size, end)
        expected = lo
        while expected < end and expected - lo < units and sum(entry.size for entry in entries[lo:expected]) < size:
            expected += 1
        assert hi == expected > lo
        lo = hi


@given(byte_entries(), st.integers(1, 9))
def test_shards_divide_the_axis_between_entries(entries: list[Entry], shards: int) -> None:
    """The shards cover the axis in order, and none begins inside an entry that must not be cut."""
    store, axis = MemoryStore(), axis_of(entries)
    index = index_of("byte", entries, store, shards)
    assert len(index.shards) == shards + 1
    assert index.shards == sorted(index.shards)
    assert (index.shards[0], index.shards[-1]) == (0, len(axis))
    for number, start in enumerate(index.shards[:-1]):
        inside = start < len(axis) and axis[start][0].whole
        assert not inside or axis[start][1] == 0
        even = len(axis) * number // shards
        assert start == even or axis[even][0].whole


def test_the_index_says_what_the_plan_adds_up_to() -> None:
    """Units, entries, bytes, items, the limit and the notes are those of the source."""
    store = MemoryStore()
    files = Listed("file", [Entry(b"a", 1, 0, 10), Entry(b"b", 1, 0, 0), Entry(b"c", 1, 0, 5)], ["1 link skipped"])
    index = write_plan(store, files, files.entries(), 2, lambda: None)
    assert (index.unit, index.units, index.entries, index.bytes, index.items) == ("file", 3, 3, 15, 3)
    assert (index.shards, index.limit, index.notes) == ([0, 1, 3], None, ["1 link skipped"])
    assert read_index(store) == index

    texts = Listed("byte", [Entry(b"a", 100, 0, 100), Entry(b"b.gz", 20, 0, 20, 0, True)])
    index = write_plan(MemoryStore(), texts, texts.entries(), 1, lambda: 7)
    assert (index.units, index.bytes, index.items, index.limit, index.limit_from) == (120, 120, None, 7, 100)

    numbers = Listed("item", [Entry(b"", 2**63 - 1)])
    index = write_plan(MemoryStore(), numbers, numbers.entries(), 1, lambda: None)
    assert (index.units, index.bytes, index.items) == (2**63 - 1, 0, 2**63 - 1)


def test_an_empty_input_has_a_plan() -> None:
    """No entries make a plan of nothing, in which nothing is missing."""
    store = MemoryStore()
    plan = planned("file", [], store=store, shards=3)
    assert (plan.index.units, plan.index.entries, plan.index.shards) == (0, 0, [0, 0, 0, 0])
    assert plan.pieces(0, 0) == []
    assert list(all_entries(store, read_index(store))) == []


def test_a_plan_that_was_stopped_does_not_exist() -> None:
    """When the input's walk fails on the way there is no index; planning again gives the whole plan."""
    store = MemoryStore()
    entries = [Entry(b"%d" % number, 1) for number in range(10)]

    def failing() -> Iterator[Entry]:
        yield from entries[:8]
        raise InputError("the folder vanished")

    with pytest.raises(InputError):
        index_of("file", failing(), store)
    with pytest.raises(NotFound):
        read_index(store)
    planned("file", entries[1:], store=store)
    assert list(all_entries(store, read_index(store))) == entries[1:]


def test_the_first_of_two_plans_stands() -> None:
    """A second process that plans the same run, from an input that changed meanwhile, gets the first one's plan."""
    store = MemoryStore()
    first = [Entry(b"first %d" % number, 5) for number in range(10)]
    second = [Entry(b"other %d" % number, 5) for number in range(10)]

    def slow() -> Iterator[Entry]:
        yield from second[:9]
        planned("byte", first, store=store)
        yield second[9]

    index = index_of("byte", slow(), store)
    assert index == read_index(store)
    assert list(all_entries(store, index)) == first


def test_memory_does_not_grow_with_the_plan(tmp_path: Path) -> None:
    """Planning a million files, and reading on through that plan, takes a few megabytes."""
    store, count = LocalStore(tmp_path), 1_000_000
    source = Listed("file", (Entry(b"folder/%d" % number, 1, 0, number, number) for number in range(count)))
    tracemalloc.start()
    try:
        index = write_plan(store, source, source.entries(), 4, lambda: None)
        assert tracemalloc.get_traced_memory()[1] < 8 * MEGABYTE
        assert index.entries == count
        tracemalloc.reset_peak()
        reader = PlanReader(store, index)
        for at in range(0, 100_000, 1000):
            assert [piece.entry.size for piece in reader.pieces(at, at + 1000)] == list(range(at, at + 1000))
        assert tracemalloc.get_traced_memory()[1] < 8 * MEGABYTE
    finally:
        tracemalloc.stop()


def test_ten_thousand_shards_are_cut_without_reading_the_plan_again() -> None:
    """Only parts with entries that must not be cut are read again, and each of those once."""
    store, read = MemoryStore(), []
    get = store.get
    store.get = lambda name, *span: read.append(name) or get(name, *span)  # type: ignore[method-assign,func-returns-value]
    index = index_of("file", (Entry(b"%d" % number, 1, 0, 9) for number in range(20_000)), store, 10_000)
    assert (len(index.shards), index.shards[:3], index.shards[-1]) == (10_001, [0, 2, 4], 20_000)
    assert read == []
    texts = [Entry(b"%d" % number, 50, 0, 50, number, number >= 27) for number in range(30)]
    index = index_of("byte", texts, MemoryStore(), 10_000)
    assert index.shards == sorted(index.shards)
    assert {start for start in index.shards if start > 27 * 50} <= {28 * 50, 29 * 50, 30 * 50}


def _damaged(folder: Path) -> tuple[PlanReader, Path]:
    """A plan of three parts on disk, and the file of its second part."""
    store = LocalStore(folder)
    reader = planned("file", [Entry(b"%d" % number, 1) for number in range(9)], store=store)
    return reader, folder / "plan" / f"{reader.index.attempt}-000001"


def test_a_missing_part_is_told(tmp_path: Path) -> None:
    """A part of the plan that is gone is RunDamaged, with its name; what other parts hold can be read."""
    reader, part = _damaged(tmp_path)
    part.unlink()
    assert len(reader.pieces(0, 3)) == 3
    with pytest.raises(RunDamaged, match="lacks a part") as caught:
        reader.pieces(2, 5)
    assert str(part) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x91\x01", msgspec.msgpack.encode([1, 2, 3])])
def test_a_part_that_is_none_is_told(tmp_path: Path, content: bytes) -> None:
    """A part that cannot be decoded is RunDamaged, with its name."""
    reader, part = _damaged(tmp_path)
    part.write_bytes(content)
    with pytest.raises(RunDamaged, match="cannot be read") as caught:
        reader.pieces(3, 4)
    assert str(part) in str(caught.value)
    assert part.read_bytes() == content


@pytest.mark.parametrize("units", [0, 2, 4])
def test_a_part_that_does_not_add_up_is_told(tmp_path: Path, units: int) -> None:
    """A part with more or fewer units than the index says is RunDamaged, with its name."""
    reader, part = _damaged(tmp_path)
    part.write_bytes(msgspec.msgpack.encode([Entry(b"x", 1)] * units))
    with pytest.raises(RunDamaged, match="does not add up") as caught:
        reader.cut(3, 1, 1, 9)
    assert str(part) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b'{"unit": 1}', b"\xff"])
def test_an_index_that_is_none_is_told(tmp_path: Path, content: bytes) -> None:
    """An index that cannot be decoded is RunDamaged, with its name, and stays as it is."""
    _damaged(tmp_path)
    path = tmp_path / INDEX
    path.write_bytes(content)
    with pytest.raises(RunDamaged, match="index cannot be read") as caught:
        read_index(LocalStore(tmp_path))
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content
