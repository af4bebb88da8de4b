"""How far a run is, from its folder alone."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from orchestrator.errors import RunDamaged
from orchestrator.host.processes import started
from orchestrator.inputs.base import Entry
from orchestrator.run.ledger import Ledger
from orchestrator.run.records import Commit, FailedItem, Owner, Range
from orchestrator.run.shards import read_shards
from orchestrator.run.status import RunStatus, read_status
from orchestrator.store.base import NotFound
from orchestrator.store.local import LocalStore
from orchestrator.store.memory import MemoryStore
from tests.run.planning import index_of
from tests.run.test_folder import manifest


def a_run(store: MemoryStore | LocalStore, shards: int = 1, units: int = 10) -> None:
    """A run of files whose plan is made."""
    index_of("file", [Entry(b"%d" % number, 1) for number in range(units)], store, shards)


def commit(store: MemoryStore | LocalStore, shard: int, lo: int, hi: int, *failed: int) -> None:
    """Have a stretch of a shard done by this process, some items failed."""
    bounds = read_bounds(store, shard)
    ledger = Ledger(store, shard, *bounds)
    ledger.claim()
    items = [FailedItem(lo, hi, number, 0) for number in failed]
    ledger.append(lambda _: Commit(0, [Range(lo, hi, hi - lo, 3 * (hi - lo), [], items)]))


def read_bounds(store: MemoryStore | LocalStore, shard: int) -> tuple[int, int]:
    """Where a shard starts and ends."""
    progress = read_shards(store)[shard].progress
    return progress.lo, progress.hi


def owned_by(store: MemoryStore, host: str, pid: int) -> None:
    """Have another process own the run."""
    store.put("shards/0/epochs/000009", [msgspec.json.encode(Owner(host, pid, 0.0))])


def status_of(store: MemoryStore | LocalStore) -> RunStatus:
    """The run's status."""
    return read_status(store, manifest())


def ended_process() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_run_without_a_plan_is_being_planned() -> None:
    """Before the plan is whole nothing is known of the amount."""
    status = status_of(MemoryStore())
    assert (status.state, status.items, status.total_items, status.fraction) == ("planning", 0, None, 0.0)


def test_a_run_whose_owner_lives_is_running() -> None:
    """What is settled so far is told while the owner works."""
    store = MemoryStore()
    a_run(store)
    commit(store, 0, 0, 4, 1, 2)
    status = status_of(store)
    assert (status.state, status.items, status.total_items) == ("running", 4, 10)
    assert (status.failed, status.nbytes, status.fraction) == (2, 12, 0.4)
    assert status.owner is not None
    assert (status.owner.host, status.owner.pid) == (platform.node(), os.getpid())


@pytest.mark.parametrize("host", [None, "another host"])
def test_a_run_whose_owner_is_gone_is_interrupted(host: str | None) -> None:
    """An owner that has ended, or that lived on another host, does not run here."""
    store = MemoryStore()
    a_run(store)
    commit(store, 0, 0, 4)
    owned_by(store, host or platform.node(), os.getpid() if host else ended_process())
    assert status_of(store).state == "interrupted"


def test_a_number_that_was_given_again_is_another_process() -> None:
    """A living process with the owner's number that started at another time does not own the run."""
    store = MemoryStore()
    a_run(store)
    own = started(os.getpid())
    for began, state in ((own, "running"), (0, "running"), (own + 1, "interrupted")):
        owner = Owner(platform.node(), os.getpid(), 0.0, began)
        store.put("shards/0/epochs/000009", [msgspec.json.encode(owner)])
        assert status_of(store).state == state


def test_a_run_nobody_took_up_is_interrupted() -> None:
    """A run that was planned and never claimed is waiting to be resumed."""
    store = MemoryStore()
    a_run(store)
    status = status_of(store)
    assert (status.state, status.owner, status.fraction) == ("interrupted", None, 0.0)


def test_a_run_with_all_settled_is_complete_then_done() -> None:
    """Failed items are settled; it is done once the report is there, whoever lives."""
    store = MemoryStore()
    a_run(store)
    commit(store, 0, 0, 10, 9)
    owned_by(store, platform.node(), ended_process())
    assert (status_of(store).state, status_of(store).fraction) == ("complete", 1.0)
    store.put("report.json", [b"{}"])
    assert status_of(store).state == "done"
    owned_by(store, platform.node(), os.getpid())
    assert status_of(store).state == "done"


def test_a_run_whose_report_says_failed_has_failed() -> None:
    """A run that came to its end with more failed items than allowed is told apart from one that is done."""
    store = MemoryStore()
    a_run(store)
    commit(store, 0, 0, 10, 9)
    owned_by(store, platform.node(), ended_process())
    for report, state in ((b'{"state": "failed"}', "failed"), (b'{"state": "done"}', "done")):
        store.put("report.json", [report])
        assert status_of(store).state == state


def test_an_empty_run_is_complete() -> None:
    """A run of no items has nothing left to do."""
    store = MemoryStore()
    a_run(store, units=0)
    status = status_of(store)
    assert (status.state, status.fraction, status.total_items) == ("complete", 1.0, 0)


def test_an_owner_that_cannot_be_read_is_nobody() -> None:
    """A damaged owner's file does not hide how far the run is."""
    store = MemoryStore()
    a_run(store)
    store.put("shards/0/epochs/000000", [b"{"])
    assert (status_of(store).state, status_of(store).owner) == ("interrupted", None)


def test_shards_add_up(tmp_path: Path) -> None:
    """A run of several shards is as far as all of them together."""
    store = LocalStore(tmp_path)
    a_run(store, shards=3)
    assert [read_bounds(store, shard) for shard in range(3)] == [(0, 3), (3, 6), (6, 10)]
    commit(store, 0, 0, 3)
    commit(store, 2, 7, 9, 0)
    status = status_of(store)
    assert (status.items, status.nbytes, status.failed, status.fraction) == (5, 15, 1, 0.5)
    assert [len(shard.commits) for shard in read_shards(store)] == [1, 0, 1]


def test_a_shard_knows_its_bounds(tmp_path: Path) -> None:
    """A commit that strays into another shard is damage, told with its name."""
    store = LocalStore(tmp_path)
    a_run(store, shards=2)
    store.put("shards/1/commits/00000000", [msgspec.json.encode(Commit(0, [Range(4, 6, 2, 0, [], [])]))])
    with pytest.raises(RunDamaged) as caught:
        read_shards(store)
    assert caught.value.where == str(tmp_path / "shards/1/commits/00000000")


def test_shards_of_no_plan_are_not_found() -> None:
    """Without a plan there are no shards to read."""
    with pytest.raises(NotFound):
        read_shards(MemoryStore())
