"""What each shard has come to, told by the names of small objects: one listing tells of all shards.

Guarantees: nothing that a run decides for good rests on a tally alone; the ledgers do, and a tally only says where to
look, and how many items have failed elsewhere. Assumes: a shard's ledger was written before its tally is.
"""

from typing import Literal, cast

from msgspec import Struct

from orchestrator.store.base import Store

_FOLDER = "tallies/"
_STATES = ("settled", "stopped")

type TallyState = Literal["settled", "stopped"]


class Tally(Struct, frozen=True):
    """What a shard has come to.

    Attributes:
        state: "settled" (nothing of it is missing) or "stopped" (more items failed than the job allows).
        items, nbytes, failed: as its ledger said.
    """

    shard: int
    state: TallyState
    items: int
    nbytes: int
    failed: int


def write_tally(store: Store, tally: Tally) -> None:
    """Tell what a shard has come to, in place of what was told before.

    Raises:
        StoreUnavailable: it cannot be written.
    """
    name = f"{_FOLDER}{tally.shard:06d}.{tally.state}.{tally.items}.{tally.nbytes}.{tally.failed}"
    store.put(name, [b"{}"])
    _remove(store, tally.shard, but=name)


def remove_tally(store: Store, shard: int) -> None:
    """Tell nothing of a shard any more: something of it is to be done again."""
    _remove(store, shard, but="")


def read_tallies(store: Store) -> dict[int, Tally]:
    """What is told, by shard; where a process died between telling and taking back, what looks better."""
    found: dict[int, Tally] = {}
    for tally in filter(None, map(_parse, store.list(_FOLDER))):
        other = found.get(tally.shard)
        if other is None or _badness(tally) < _badness(other):
            found[tally.shard] = tally
    return found


def _badness(tally: Tally) -> tuple[int, int]:
    return _STATES.index(tally.state), tally.failed


def _remove(store: Store, shard: int, but: str) -> None:
    for name in list(store.list(_FOLDER)):
        tally = _parse(name)
        if tally is not None and tally.shard == shard and name != but:
            store.delete(name)


def _parse(name: str) -> Tally | None:
    """A tally from its name; other files that someone put there are none."""
    parts = name.removeprefix(_FOLDER).split(".")
    numbers = [part for at, part in enumerate(parts) if at != 1]
    if len(parts) != 5 or parts[1] not in _STATES or not all(part.isdecimal() for part in numbers):
        return None
    shard, items, nbytes, failed = map(int, numbers)
    return Tally(shard, cast("TallyState", parts[1]), items, nbytes, failed)
