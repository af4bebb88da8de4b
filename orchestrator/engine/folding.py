"""A fold's last step: the accumulators of all commits merged, in input order, and finished."""

import msgspec

from orchestrator.engine.committer import encode_accumulator
from orchestrator.errors import TaskError
from orchestrator.run.collect import accumulators
from orchestrator.run.folder import FOLD_RESULT
from orchestrator.run.shards import read_shards
from orchestrator.store.base import Store
from orchestrator.tasks.api import Fold


def merge_fold(store: Store, fold: Fold) -> None:
    """Merge what the commits of a complete run hold, and store the finished value as `fold.json`.

    Raises:
        TaskError: `merge` or `finish` raised, or what they gave cannot be written as JSON.
        RunDamaged: a part is not what the ledger says.
    """
    commits = [commit for shard in read_shards(store) for commit in shard.commits]
    try:
        total = fold.zero()
        for encoded in accumulators(store, commits):
            total = fold.merge(total, msgspec.json.decode(encoded))
        result = total if fold.finish is None else fold.finish(total)
    except Exception as error:
        raise TaskError(
            f"the fold's merge or finish raised {type(error).__name__}: {error}",
            hint="merge is given plain data, as JSON gives it back: string keys, lists for tuples.",
        ) from error
    store.put(FOLD_RESULT, [encode_accumulator(result)])
