"""Every shard's ledger of a run, read as it is now, without owning any."""

from itertools import pairwise

from msgspec import Struct

from orchestrator.run.ledger import Ledger
from orchestrator.run.plan import read_index
from orchestrator.run.progress import Progress
from orchestrator.run.records import Commit
from orchestrator.store.base import Store


class Shard(Struct, frozen=True):
    """What a shard's ledger says."""

    commits: list[Commit]
    progress: Progress


def read_shards(store: Store) -> list[Shard]:
    """Read the ledgers of a run's shards, in order.

    Raises:
        NotFound: the run has no plan yet.
        RunDamaged: a ledger cannot be read.
    """
    shards: list[Shard] = []
    for number, (lo, hi) in enumerate(pairwise(read_index(store).shards)):
        ledger = Ledger(store, number, lo, hi)
        shards.append(Shard(ledger.refresh(), ledger.progress))
    return shards
