"""One shard's ledger: owners, commits, and folders that are damaged."""

import os
import platform
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from orchestrator.errors import RESUMABLE, Fenced, RunDamaged
from orchestrator.run.ledger import Ledger
from orchestrator.run.progress import Progress
from orchestrator.run.records import Commit, FailedItem, Filled, Owner, Range, format_of
from orchestrator.store.local import LocalStore
from orchestrator.store.memory import MemoryStore


def ledger_of(store: MemoryStore | LocalStore) -> Ledger:
    """The ledger of shard 0, whose axis is [0, 100)."""
    return Ledger(store, 0, 0, 100)


def doing(ledger: Ledger, lo: int, hi: int) -> Callable[[Progress], Commit | None]:
    """Builds the commit of one stretch, unless some of it is done."""

    def build(progress: Progress) -> Commit | None:
        if progress.covers(lo, hi):
            return None
        return Commit(ledger.epoch or 0, [Range(lo, hi, hi - lo, 0, [], [])])

    return build


def commits_of(store: MemoryStore | LocalStore) -> dict[str, bytes]:
    """Every commit's bytes by name."""
    return {name: store.get(name) for name in store.list("shards/0/commits/")}


def test_each_owner_takes_the_next_epoch() -> None:
    """Epochs count up, and each says who took it."""
    store = MemoryStore()
    assert [ledger_of(store).claim() for _ in range(3)] == [0, 1, 2]
    owner = msgspec.json.decode(store.get("shards/0/epochs/000002"), type=Owner)
    assert (owner.host, owner.pid) == (platform.node(), os.getpid())


def test_an_epoch_that_was_just_taken_is_passed_over() -> None:
    """Of two processes that see the same newest epoch, the slower takes the one after, and fences the quicker."""
    store = MemoryStore()
    quick = ledger_of(store)

    class Slow(MemoryStore):
        def __init__(self) -> None:
            self.get, self.create = store.get, store.create  # type: ignore[method-assign]

        def list(self, prefix: str):
            names = list(store.list(prefix))
            if prefix.endswith("epochs/"):
                assert quick.claim() == 0
            return iter(names)

    slow = Ledger(Slow(), 0, 0, 100)
    assert slow.claim() == 1
    with pytest.raises(Fenced):
        quick.append(doing(quick, 0, 1))


def test_files_that_are_no_epochs_are_passed_over(tmp_path: Path) -> None:
    """A file that an editor left among the epochs or commits does not disturb."""
    store = LocalStore(tmp_path)
    first = ledger_of(store)
    first.claim()
    first.append(doing(first, 0, 5))
    for name in ["epochs/000000~", "epochs/readme.txt", "commits/00000000.orig"]:
        (tmp_path / "shards/0" / name).write_bytes(b"")
    assert ledger_of(store).claim() == 1


def test_a_new_owner_knows_what_is_done() -> None:
    """Claiming reads all commits, so only what is missing is left to do."""
    store = MemoryStore()
    first = ledger_of(store)
    first.claim()
    first.append(doing(first, 10, 20))
    first.append(doing(first, 30, 100))
    second = ledger_of(store)
    second.claim()
    assert second.progress.missing() == [(0, 10), (20, 30)]


def test_who_did_not_claim_cannot_commit() -> None:
    """A ledger that only reads is not an owner."""
    store = MemoryStore()
    ledger = ledger_of(store)
    with pytest.raises(Fenced):
        ledger.append(doing(ledger, 0, 1))
    assert commits_of(store) == {}


def test_a_fenced_owner_is_told_who_took_over() -> None:
    """After a newer claim nothing more is committed, however often it is tried; what was committed stays."""
    store = MemoryStore()
    old = ledger_of(store)
    old.claim()
    old.append(doing(old, 0, 10))
    before = commits_of(store)
    ledger_of(store).claim()
    for _ in range(2):
        with pytest.raises(Fenced, match=f"process {os.getpid()} on {platform.node()}") as caught:
            old.append(doing(old, 10, 20))
    assert caught.value.exit_code == RESUMABLE
    assert "is kept" in (caught.value.hint or "")
    assert commits_of(store) == before


def test_a_fence_that_cannot_be_read_fences_all_the_same() -> None:
    """A newer epoch whose file is damaged still stops the older owner."""
    store = MemoryStore()
    old = ledger_of(store)
    old.claim()
    store.put("shards/0/epochs/000001", [b"{"])
    with pytest.raises(Fenced):
        old.append(doing(old, 0, 10))


def test_the_loser_of_a_commit_builds_again() -> None:
    """When an older owner's commit slips in between, the commit is built again without what is now done."""
    store = MemoryStore()
    old, new = ledger_of(store), ledger_of(store)
    old.claim()
    new.claim()
    seen: list[list[tuple[int, int]]] = []

    def build(progress: Progress) -> Commit | None:
        seen.append(progress.missing())
        if len(seen) == 1:
            # The old owner had passed its check before the new one claimed.
            store.create("shards/0/commits/00000000", [msgspec.json.encode(doing(old, 0, 10)(Progress(0, 100)))])
        return None if progress.covers(0, 10) else doing(new, 0, 20)(progress)

    assert new.append(build) is None
    assert seen == [[(0, 100)], [(10, 100)]]
    assert list(commits_of(store)) == ["shards/0/commits/00000000"]
    assert new.append(doing(new, 10, 20)) is not None
    assert new.progress.missing() == [(20, 100)]


def test_nothing_to_commit_writes_nothing() -> None:
    """A build that finds everything done leaves the ledger alone."""
    store = MemoryStore()
    ledger = ledger_of(store)
    ledger.claim()
    assert ledger.append(lambda _: None) is None
    assert commits_of(store) == {}


@pytest.mark.parametrize("voided", [[], [Range(50, 60, 10, 0, [], [])]])
def test_a_commit_that_contradicts_is_not_written(voided: list[Range]) -> None:
    """A commit that would make the run unreadable never gets into the ledger, which can go on after it."""
    store = MemoryStore()
    ledger = ledger_of(store)
    ledger.claim()
    ledger.append(doing(ledger, 0, 10))
    before = commits_of(store)
    ranges = [] if voided else [Range(10, 20, 10, 0, [], []), Range(5, 15, 10, 0, [], [])]
    with pytest.raises(ValueError, match="done"):
        ledger.append(lambda _: Commit(0, ranges, voided=voided))
    assert commits_of(store) == before
    assert ledger.append(doing(ledger, 10, 20)) is not None
    assert ledger_of(store).refresh()[-1].ranges[0].hi == 20


def test_refresh_reads_only_what_is_new() -> None:
    """Each commit is given once, in order."""
    store = MemoryStore()
    writer, reader = ledger_of(store), ledger_of(store)
    writer.claim()
    written = [writer.append(doing(writer, lo, lo + 1)) for lo in (5, 0)]
    assert reader.refresh() == written
    assert reader.refresh() == []
    written.append(writer.append(doing(writer, 9, 12)))
    assert reader.refresh() == written[2:]


def test_owners_parts_have_names_of_their_own() -> None:
    """No two owners, numbers or kinds of part share a name."""
    store = MemoryStore()
    first, second = ledger_of(store), ledger_of(store)
    first.claim()
    second.claim()
    names = [who.part_name(number, kind) for who in (first, second) for number in (0, 1) for kind in ("", ".failures")]
    assert len(set(names)) == 8


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder with three commits."""
    ledger = ledger_of(LocalStore(tmp_path))
    ledger.claim()
    for lo in (0, 10, 20):
        ledger.append(doing(ledger, lo, lo + 10))
    return tmp_path


def refused(run: Path, number: int) -> RunDamaged:
    """The error for a damaged commit: told to readers and to claimers alike, with its name; no file is changed."""
    before = {path: path.read_bytes() for path in sorted(run.rglob("commits/*"))}
    errors = []
    for use in (Ledger.refresh, Ledger.claim):
        with pytest.raises(RunDamaged) as caught:
            use(ledger_of(LocalStore(run)))
        errors.append(caught.value)
    assert str(errors[0]) == str(errors[1])
    assert errors[0].where == str(run / "shards/0/commits" / f"{number:08d}")
    assert errors[0].hint
    assert {path: path.read_bytes() for path in sorted(run.rglob("commits/*"))} == before
    return errors[0]


@pytest.mark.parametrize("keep", [0, 1, 30, -1])
def test_a_truncated_commit_is_told(run: Path, keep: int) -> None:
    """A commit that was cut short is damage."""
    path = run / "shards/0/commits/00000001"
    path.write_bytes(path.read_bytes()[:keep])
    assert "cannot be read" in refused(run, 1).message


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[]", b'{"epoch": "x", "ranges": []}', b'{"epoch": 0}'])
def test_a_commit_that_is_none_is_told(run: Path, content: bytes) -> None:
    """A commit with other content is damage."""
    (run / "shards/0/commits/00000002").write_bytes(content)
    assert "cannot be read" in refused(run, 2).message


def test_a_commit_of_another_format_is_told(run: Path) -> None:
    """A commit of a newer ftorch is not guessed at."""
    (run / "shards/0/commits/00000000").write_bytes(msgspec.json.encode(Commit(0, [], format=3)))
    error = refused(run, 0)
    assert "has format 3" in error.message
    assert "version of ftorch" in (error.hint or "")


def test_what_an_older_ftorch_would_misread_has_a_format_of_its_own() -> None:
    """A commit whose filled items have failed ones of their own is refused by readers that know nothing of these."""
    plain, own = Filled(0, 5, -1, []), Filled(0, 5, -1, [], [FailedItem(0, 5, 3, 0)], 4)
    ledger = Ledger(MemoryStore(), 0, 0, 10)
    ledger.claim()
    first = ledger.append(lambda _: Commit(0, [Range(0, 5, 1, 0, [], [FailedItem(0, 5, -1, 0)])]))
    second = ledger.append(lambda _: Commit(0, [], filled=[own]))
    assert first is not None
    assert second is not None
    assert (first.format, second.format) == (1, 2)
    assert format_of(Commit(0, [], filled=[plain])) == 1
    again = Ledger(ledger._store, 0, 0, 10)
    assert [commit.format for commit in again.refresh()] == [1, 2]
    assert again.progress.items == ledger.progress.items


@pytest.mark.parametrize(
    "commit",
    [
        Commit(0, [Range(5, 15, 10, 0, [], [])]),
        Commit(0, [Range(0, 10, 10, 0, [], [])]),
        Commit(0, [Range(99, 101, 2, 0, [], [])]),
        Commit(0, [Range(15, 15, 0, 0, [], [])]),
        Commit(0, [Range(30, 40, 10, 0, [], []), Range(39, 41, 2, 0, [], [])]),
        Commit(0, [], filled=[Filled(0, 10, 3, [])]),
        Commit(0, [Range(30, 40, 10, 0, [], [FailedItem(30, 40, 1, 0)])], filled=[Filled(30, 40, 2, [])]),
    ],
)
def test_a_commit_that_contradicts_is_told(run: Path, commit: Commit) -> None:
    """A commit that claims what is done, or lies outside the shard, or fills what had not failed, is damage."""
    (run / "shards/0/commits/00000003").write_bytes(msgspec.json.encode(commit))
    assert "contradicts" in refused(run, 3).message


@pytest.mark.parametrize("number", [0, 1])
def test_a_missing_commit_is_told(run: Path, number: int) -> None:
    """A commit that is gone while later ones are there is damage; its chunks are not quietly done again."""
    (run / "shards/0/commits" / f"{number:08d}").unlink()
    error = refused(run, number)
    assert "missing" in error.message
