"""The output's bytes, the accumulators and the failures, from ledger and parts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.engine.committer import Committer
from orchestrator.engine.outcome import ItemFailure, Outcome
from orchestrator.engine.spool import Spool
from orchestrator.errors import RunDamaged
from orchestrator.run.collect import accumulators, body, damaged, failures, read_blob
from orchestrator.run.ledger import Ledger
from orchestrator.run.records import Commit, Failure
from orchestrator.store.base import Store
from orchestrator.store.local import LocalStore
from orchestrator.store.memory import MemoryStore
from orchestrator.tasks.api import Fold

WIDTH = 4


@dataclass
class Item:
    """What becomes of an item: its record, and whether it fails first and a retry makes it good."""

    record: bytes
    fails: bool = False
    unreadable: bool = False
    filled: bool = False
    number: int = 0

    @property
    def final(self) -> bytes:
        """What the output holds of it in the end."""
        return self.record if self.filled or not (self.fails or self.unreadable) else b""


@dataclass
class Chunk:
    """A chunk of up to WIDTH items, in input order."""

    lo: int
    items: list[Item] = field(default_factory=list)

    @property
    def hi(self) -> int:
        return self.lo + WIDTH

    def outcome(self) -> Outcome:
        """What its first time gives; items that could not be made are numbered -1, -2, … as the lane does."""
        token, failed, good, bad = b"", [], 0, 0
        for item in self.items:
            if item.unreadable:
                bad -= 1
                item.number = bad
            else:
                item.number = good
                good += 1
            if item.fails or item.unreadable:
                failed.append(ItemFailure(detail(self, item.number, "first"), len(token)))
            else:
                token += item.record
        return Outcome(self.lo, self.hi, None, token, len(self.items), 0, failed)

    def retries(self) -> list[Outcome]:
        """What a retry of its failed items gives; some fail again."""
        return [self._retried(item) for item in self.items if item.fails or item.unreadable]

    def _retried(self, item: Item) -> Outcome:
        token = item.record if item.filled else b""
        bad = [] if item.filled else [ItemFailure(detail(self, item.number, "again"), 0)]
        return Outcome(self.lo, self.hi, (item.number,), token, 1, 0, bad)


def detail(chunk: Chunk, number: int, error: str) -> Failure:
    """What is told of a failed item."""
    return Failure(f"{chunk.lo}/{number}", error, "ValueError", "", 1, (chunk.lo, chunk.hi), number)


ITEMS = st.builds(
    Item,
    st.binary(max_size=3),
    fails=st.booleans(),
    unreadable=st.sampled_from([False, False, True]),
    filled=st.booleans(),
)


@st.composite
def chunks(draw: st.DrawFn) -> list[Chunk]:
    """The chunks of an axis, in order."""
    contents = draw(st.lists(st.lists(ITEMS, max_size=WIDTH), max_size=6))
    return [Chunk(number * WIDTH, items) for number, items in enumerate(contents)]


def committed(store: Store, groups: Sequence[Sequence[Outcome]], fold: Fold | None = None) -> Ledger:
    """The ledger after one commit a group."""
    ledger = Ledger(store, 0, 0, 1000)
    ledger.claim()
    committer = Committer(store, ledger, fold, None, Spool())
    for group in groups:
        for outcome in group:
            committer.offer(outcome)
        committer.commit()
    return ledger


def commits_of(store: Store) -> list[Commit]:
    """Every commit, as a reader sees it."""
    return Ledger(store, 0, 0, 1000).refresh()


def in_groups[T](data: st.DataObject, things: list[T]) -> list[list[T]]:
    """The things in any order, in groups."""
    mixed = data.draw(st.permutations(things))
    groups: list[list[T]] = [[]]
    for thing in mixed:
        if data.draw(st.booleans()):
            groups.append([])
        groups[-1].append(thing)
    return [group for group in groups if group]


@settings(deadline=None)
@given(chunks(), st.data())
def test_the_body_is_every_result_in_place(work: list[Chunk], data: st.DataObject) -> None:
    """Whatever the order of work, the body is the results in input order, those that retries made good in place."""
    store = MemoryStore()
    groups = in_groups(data, work)
    first = [[chunk.outcome() for chunk in group] for group in groups]
    again = in_groups(data, [outcome for chunk in work for outcome in chunk.retries()])
    committed(store, first + again)
    commits = commits_of(store)
    assert b"".join(body(store, commits, "input")) == b"".join(item.final for chunk in work for item in chunk.items)
    finished = [chunk for group in groups for chunk in sorted(group, key=lambda chunk: chunk.lo)]
    expected = b"".join(item.final for chunk in finished for item in chunk.items)
    assert b"".join(body(store, commits, "finished")) == expected


@settings(deadline=None)
@given(chunks(), st.data())
def test_failures_are_told_in_input_order(work: list[Chunk], data: st.DataObject) -> None:
    """What is told are the items that failed and were not made good, in input order, with their last error."""
    store = MemoryStore()
    groups = in_groups(data, work)
    first = [[chunk.outcome() for chunk in group] for group in groups]
    again = in_groups(data, [outcome for chunk in work for outcome in chunk.retries()])
    tried = again[: data.draw(st.integers(0, len(again)))]
    ledger = committed(store, first + tried)
    settled = {(outcome.lo, outcome.retried): outcome for group in tried for outcome in group}
    expected = []
    for chunk in work:
        for item in chunk.items:
            if item.fails or item.unreadable:
                retried = settled.get((chunk.lo, (item.number,)))
                if retried is None or retried.failures:
                    expected.append((f"{chunk.lo}/{item.number}", "first" if retried is None else "again"))
    found = failures(store, commits_of(store), [ledger.progress])
    assert [(failure.key, failure.error) for failure in found] == expected


def test_accumulators_are_in_input_order_with_retries_last() -> None:
    """A fold's accumulators come as the axis has them, whatever the order of commits; those of retries follow."""
    store = MemoryStore()
    fold = Fold(zero=list, add=lambda total, item: [*total, item], merge=lambda left, right: left + right)
    bad = [ItemFailure(Failure("k", "e", "E", "", 1, (20, 30), 0), 0)]
    groups = [
        [Outcome(20, 30, None, [3], 2, 0, bad)],
        [Outcome(10, 20, None, [2], 1, 0), Outcome(0, 10, None, [1], 1, 0), Outcome(40, 50, None, [5], 1, 0)],
        [Outcome(20, 30, (0,), [9], 1, 0)],
        [Outcome(30, 40, None, [4], 1, 0)],
    ]
    committed(store, groups, fold)
    assert list(accumulators(store, commits_of(store))) == [b"[1,2]", b"[3]", b"[4]", b"[5]", b"[9]"]


def test_a_blob_is_a_stretch_of_its_part() -> None:
    """Offset and length say which bytes; empty outcomes have no blobs and no part."""
    store = MemoryStore()
    committed(
        store,
        [[Outcome(0, 1, None, b"ab", 1, 0), Outcome(5, 6, None, b"cde", 1, 0)], [Outcome(9, 10, None, b"", 0, 0)]],
    )
    first, second = commits_of(store)
    assert [read_blob(store, blob) for item in first.ranges for blob in item.blobs] == [b"ab", b"cde"]
    assert [item.blobs for item in second.ranges] == [[]]
    assert len(list(store.list("shards/0/parts/"))) == 1


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder with one part of results and one of failures."""
    bad = [ItemFailure(Failure("k", "e", "E", "", 1, (0, 5), 2), 3)]
    committed(LocalStore(tmp_path), [[Outcome(0, 5, None, b"abcdef", 5, 0, bad), Outcome(7, 9, None, b"ghi", 2, 0)]])
    return tmp_path


def part_of(run: Path, suffix: str = "") -> Path:
    """The run's part."""
    (path,) = (path for path in (run / "shards/0/parts").iterdir() if path.suffix == suffix)
    return path


def refused(run: Path, part: Path) -> RunDamaged:
    """The error of collecting the run's results, which names the part and leaves every file as it is."""
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(RunDamaged) as caught:
        list(body(LocalStore(run), commits_of(LocalStore(run)), "input"))
    assert caught.value.where == str(part)
    assert "Nothing was deleted" in (caught.value.hint or "")
    assert [(item.lo, item.hi) for item in damaged(LocalStore(run), commits_of(LocalStore(run)))]
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    return caught.value


def test_a_missing_part_is_told(run: Path) -> None:
    """A part that the ledger names and that is gone is RunDamaged."""
    part = part_of(run)
    part.unlink()
    assert "missing" in refused(run, part).message


@pytest.mark.parametrize("length", [0, 3, 6, 8])
def test_a_short_part_is_told(run: Path, length: int) -> None:
    """A part that ends too early is RunDamaged, and the error says where it ends."""
    part = part_of(run)
    part.write_bytes(part.read_bytes()[:length])
    assert f"ends at byte {length}" in refused(run, part).message


@pytest.mark.parametrize("at", [0, 5, 6, 8])
def test_a_changed_byte_is_told(run: Path, at: int) -> None:
    """A part of which one bit flipped is RunDamaged, not wrong output."""
    part = part_of(run)
    data = bytearray(part.read_bytes())
    data[at] ^= 0x10
    part.write_bytes(data)
    assert "checksum" in refused(run, part).message


@pytest.mark.parametrize("at", [0, 6])
def test_only_the_damaged_stretch_is_damaged(run: Path, at: int) -> None:
    """Of the stretches of one part, only the one whose bytes changed has to be done again."""
    part, store = part_of(run), LocalStore(run)
    assert damaged(store, commits_of(store)) == []
    data = bytearray(part.read_bytes())
    data[at] ^= 1
    part.write_bytes(data)
    assert [(item.lo, item.hi) for item in damaged(store, commits_of(store))] == [(0, 5) if at == 0 else (7, 9)]


def test_a_damaged_fill_is_its_stretchs_damage(run: Path) -> None:
    """When the result of a retried item is lost, the stretch in which it stands has to be done again."""
    store = LocalStore(run)
    committed(store, [[Outcome(0, 5, (2,), b"fill", 1, 0)]])
    assert b"".join(body(store, commits_of(store), "input")) == b"abcfilldefghi"
    (part,) = (path for path in (run / "shards/0/parts").iterdir() if path.read_bytes() == b"fill")
    part.unlink()
    assert [(item.lo, item.hi) for item in damaged(store, commits_of(store))] == [(0, 5)]


def test_failures_that_were_made_good_need_not_be_told(run: Path) -> None:
    """Once its item was retried with success, nobody misses the part that told of its failure."""
    store = LocalStore(run)
    ledger = committed(store, [[Outcome(0, 5, (2,), b"fill", 1, 0)]])
    part_of(run, ".failures").unlink()
    assert damaged(store, commits_of(store)) == []
    assert failures(store, commits_of(store), [ledger.progress]) == []


def test_what_was_taken_back_counts_no_more(run: Path) -> None:
    """A void stretch, and what was filled into it, is neither in the body nor damaged; done again, it is."""
    store = LocalStore(run)
    ledger = committed(store, [[Outcome(0, 5, (2,), b"fill", 1, 0)]])
    first = commits_of(store)[0].ranges[0]
    assert ledger.append(lambda _: Commit(1, [], voided=[first])) is not None
    for path in (run / "shards/0/parts").iterdir():
        if path.read_bytes() == b"fill":
            path.unlink()
    assert b"".join(body(store, commits_of(store), "input")) == b"ghi"
    assert damaged(store, commits_of(store)) == []
    committed(store, [[Outcome(0, 3, None, b"ABC", 3, 0), Outcome(3, 5, None, b"DE", 2, 0)]])
    assert b"".join(body(store, commits_of(store), "input")) == b"ABCDEghi"
    assert b"".join(body(store, commits_of(store), "finished")) == b"ghiABCDE"


@pytest.mark.parametrize("content", [None, b"", b'{"key": ', b"\xff\n", b"[]\n"])
def test_damaged_failures_are_told(run: Path, content: bytes | None) -> None:
    """A part of failures that is missing, cannot be read or lacks one is RunDamaged, and its stretch is damaged."""
    part, store = part_of(run, ".failures"), LocalStore(run)
    if content is None:
        part.unlink()
    else:
        part.write_bytes(content)
    ledger = Ledger(store, 0, 0, 1000)
    with pytest.raises(RunDamaged) as caught:
        failures(store, ledger.refresh(), [ledger.progress])
    assert caught.value.where == str(part)
    assert [(item.lo, item.hi) for item in damaged(store, commits_of(store))] == [(0, 5)]
