"""How far a run is, from its ledger alone."""

import os
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec
from msgspec import Struct

from orchestrator.host.processes import GONE, started
from orchestrator.run.folder import REPORT, Manifest, is_finished
from orchestrator.run.ledger import Ledger
from orchestrator.run.plan import PlanIndex, read_index
from orchestrator.run.records import Owner
from orchestrator.run.tally import Tally, read_tallies
from orchestrator.store.base import NotFound, Store

type State = Literal["planning", "running", "interrupted", "complete", "failed", "done"]


class RunStatus(Struct, frozen=True):
    """How far a run is.

    Attributes:
        state: "planning" (or stopped while planning), "running" (its owner lives on this host), "interrupted",
            "complete" (every item is settled, the output is still to be published), "failed" (it came to its end, and
            more items failed than the job allows), "done".
        items, nbytes, failed: settled so far, as the ledger says.
        total_items: None where only reading the input can tell.
        fraction: how much of the input is settled (0 to 1).
        owner: who worked on it last; of a run of many shards, one that works on it on this host before others.
        shards, settled_shards: how many there are, and of how many nothing is missing.
    """

    run: str
    folder: str
    state: State
    created: float
    items: int
    total_items: int | None
    nbytes: int
    failed: int
    fraction: float
    owner: Owner | None
    shards: int = 1
    settled_shards: int = 0


def read_status(store: Store, manifest: Manifest) -> RunStatus:
    """How far a run is.

    Raises:
        RunDamaged: its ledger cannot be read.
    """
    try:
        index = read_index(store)
    except NotFound:
        return RunStatus(manifest.id, store.url, "planning", manifest.created, 0, None, 0, 0, 0.0, None)
    several = len(index.shards) > 2
    counts = [_count(store, index, shard, told) for shard, told in _told(store, index)]
    left = sum(count.left for count in counts)
    owner = _owner(store, [shard for shard, count in enumerate(counts) if count.left or not several])
    alive = owner is not None and _lives(owner)
    state: State = "interrupted"
    if alive and not is_finished(store):
        state = "running"
    elif left == 0:
        state = _ended(store)
    return RunStatus(
        run=manifest.id,
        folder=store.url,
        state=state,
        created=manifest.created,
        items=sum(count.items for count in counts),
        total_items=index.items,
        nbytes=sum(count.nbytes for count in counts),
        failed=sum(count.failed for count in counts),
        fraction=1.0 - left / index.units if index.units else 1.0,
        owner=owner,
        shards=len(counts),
        settled_shards=sum(not count.left for count in counts),
    )


class _Report(Struct, frozen=True):
    """Of a run's report, how it ended."""

    state: str


def _ended(store: Store) -> State:
    """How a run of which nothing is missing ended, if it did."""
    try:
        report = msgspec.json.decode(store.get(REPORT), type=_Report)
    except NotFound:
        return "complete"
    except msgspec.MsgspecError:
        return "done"
    return "failed" if report.state == "failed" else "done"


class _Count(Struct, frozen=True):
    items: int
    nbytes: int
    failed: int
    left: int


def _told(store: Store, index: PlanIndex) -> Iterator[tuple[int, Tally | None]]:
    """Each shard, with its tally if it is settled: those ledgers need not be read."""
    tallies = read_tallies(store) if len(index.shards) > 2 else {}
    for shard in range(len(index.shards) - 1):
        tally = tallies.get(shard)
        yield shard, tally if tally is not None and tally.state == "settled" else None


def _count(store: Store, index: PlanIndex, shard: int, told: Tally | None) -> _Count:
    if told is not None:
        return _Count(told.items, told.nbytes, told.failed, 0)
    ledger = Ledger(store, shard, index.shards[shard], index.shards[shard + 1])
    ledger.refresh()
    progress = ledger.progress
    left = sum(hi - lo for lo, hi in progress.missing())
    return _Count(progress.items, progress.nbytes, len(progress.failed), left)


def _owner(store: Store, shards: Iterable[int]) -> Owner | None:
    """The owner of the newest epoch of a shard: of the first that lives on this host, else of the one seen last."""
    owners = (_owner_of(store, shard) for shard in shards)
    last: Owner | None = None
    for owner in owners:
        if owner is not None and _lives(owner):
            return owner
        if owner is not None and (last is None or owner.since > last.since):
            last = owner
    return last


def _owner_of(store: Store, shard: int) -> Owner | None:
    names = list(store.list(f"shards/{shard}/epochs/"))
    if not names:
        return None
    try:
        return msgspec.json.decode(store.get(names[-1]), type=Owner)
    except msgspec.MsgspecError, NotFound:
        return None


def _lives(owner: Owner) -> bool:
    """Whether that process runs on this host; another one that was given its number later is not it."""
    if owner.host != os.uname().nodename:
        return False
    found = started(owner.pid)
    return found != GONE and (not owner.started or found == owner.started)
