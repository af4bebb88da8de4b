"""How far a run is, from its ledger alone."""

import os
from typing import Literal

import msgspec
from msgspec import Struct

from orchestrator.host.processes import GONE, started
from orchestrator.run.folder import Manifest, is_finished
from orchestrator.run.plan import read_index
from orchestrator.run.records import Owner
from orchestrator.run.shards import read_shards
from orchestrator.store.base import NotFound, Store

type State = Literal["planning", "running", "interrupted", "complete", "done"]


class RunStatus(Struct, frozen=True):
    """How far a run is.

    Attributes:
        state: "planning" (or stopped while planning), "running" (its owner lives on this host), "interrupted",
            "complete" (every item is settled, the output is still to be published), "done".
        items, nbytes, failed: settled so far, as the ledger says.
        total_items: None where only reading the input can tell.
        fraction: how much of the input is settled (0 to 1).
        owner: who worked on it last.
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


def read_status(store: Store, manifest: Manifest) -> RunStatus:
    """How far a run is.

    Raises:
        RunDamaged: its ledger cannot be read.
    """
    owner = _owner(store)
    alive = owner is not None and _lives(owner)
    try:
        index, shards = read_index(store), read_shards(store)
    except NotFound:
        return RunStatus(manifest.id, store.url, "planning", manifest.created, 0, None, 0, 0, 0.0, None)
    left = sum(hi - lo for shard in shards for lo, hi in shard.progress.missing())
    state: State = "interrupted"
    if alive and not is_finished(store):
        state = "running"
    elif left == 0:
        state = "done" if is_finished(store) else "complete"
    return RunStatus(
        run=manifest.id,
        folder=store.url,
        state=state,
        created=manifest.created,
        items=sum(shard.progress.items for shard in shards),
        total_items=index.items,
        nbytes=sum(shard.progress.nbytes for shard in shards),
        failed=sum(len(shard.progress.failed) for shard in shards),
        fraction=1.0 - left / index.units if index.units else 1.0,
        owner=owner,
    )


def _owner(store: Store) -> Owner | None:
    """The owner of the newest epoch of the first shard."""
    names = list(store.list("shards/0/epochs/"))
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
