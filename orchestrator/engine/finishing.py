"""The end of a run: its output published, its report written, what is damaged found and given back to be done again."""

import time
from functools import partial
from pathlib import Path

import msgspec

from orchestrator.engine.protocol import Ended, Load, Merge
from orchestrator.engine.publishing import Settled, fewer_files, publish, write_failures
from orchestrator.engine.runreport import OutputReport, RunReport
from orchestrator.engine.supervisor import Worker
from orchestrator.errors import RunConflict
from orchestrator.measure.node import NodeReport
from orchestrator.run import folder
from orchestrator.run.collect import damaged
from orchestrator.run.commands import resume_command
from orchestrator.run.folder import Manifest
from orchestrator.run.ledger import Ledger
from orchestrator.run.plan import PlanIndex, read_index
from orchestrator.run.progress import Progress
from orchestrator.run.records import Commit, Range
from orchestrator.run.shards import Shard, read_shards
from orchestrator.run.tally import remove_tally
from orchestrator.store.base import NotFound, Store
from orchestrator.store.open import open_store

_EXAMPLES = 5


def collect(run: Path | str) -> OutputReport | None:
    """Put the output of a complete run together (again); None for a job without output.

    Raises:
        RunNotFound, RunDamaged: there is no such run, or a file of it is damaged.
        RunConflict: items are still missing.
        OutputError, StoreUnavailable: the output cannot be written.
    """
    store = open_store(run)
    manifest = folder.read_manifest(store)
    settled = _settled(store)
    if not settled.complete:
        raise RunConflict(
            "the run is not complete: items are missing",
            where=store.url,
            hint=f"Finish it first: {resume_command(run)}",
        )
    if manifest.output_format == "json":
        merge_again(store, manifest)
    if settled.failed:
        write_failures(store, settled)
    return publish(store, manifest, settled)


def _settled(store: Store) -> Settled:
    try:
        return Settled(read_shards(store))
    except NotFound:
        return Settled([Shard([], Progress(0, 1))])


def merge_again(store: Store, manifest: Manifest) -> None:
    """Merge a fold's accumulators, which the task's own code does, so in a worker.

    Raises:
        FtorchError: what the worker raised.
    """
    with Worker() as worker:
        worker.load(Load(manifest.job, manifest.base, {}, prepare=False))
        worker.loaded()
        worker.merge(Merge(store.url))


def finish(store: Store, manifest: Manifest, ended: Ended, restarts: tuple[str, ...]) -> RunReport:
    """Publish what a sitting that ended left complete, and write the run's report.

    Raises:
        OutputError, StoreUnavailable, RunDamaged: the output cannot be put together.
    """
    index, settled = read_index(store), Settled(read_shards(store))
    failed = write_failures(store, settled) if settled.failed else []
    output: OutputReport | None = publish(store, manifest, settled) if settled.complete else None
    report = RunReport(
        run=manifest.id,
        folder=store.url,
        state=ended.state,
        reason=ended.reason,
        total_items=index.items,
        items=settled.items,
        nbytes=settled.nbytes,
        failed=settled.failed,
        examples=failed[:_EXAMPLES],
        failures=f"{store.url}/{folder.FAILURES}" if failed else None,
        output=output,
        nodes=_node_reports(store, index),
        notes=[*index.notes, *filter(None, [_fewer(manifest, settled, output)])],
        restarts=list(restarts),
        ended=time.time(),
    )
    if settled.complete:
        store.put(folder.REPORT, [msgspec.json.encode(report)])
    return report


def _fewer(manifest: Manifest, settled: Settled, output: OutputReport | None) -> str:
    return fewer_files(settled, output) if manifest.output_format == "tree" else ""


def _node_reports(store: Store, index: PlanIndex) -> list[NodeReport]:
    if len(index.shards) > 2:
        # They may be many: `read_node` gives one at a time, and the cluster's report what they add up to.
        return []
    node = read_node(store, 0)
    return [] if node is None else [node]


def read_node(store: Store, shard: int) -> NodeReport | None:
    """The report of the worker that was the last to end its work on a shard; None where there is none."""
    try:
        return msgspec.json.decode(store.get(f"shards/{shard}/report.json"), type=NodeReport)
    except NotFound, msgspec.MsgspecError:
        return None


def void_damaged(store: Store) -> int:
    """Take back the stretches whose results are not what the ledger says, so that they are missing again; how many.

    Raises:
        Fenced: another process took the run over meanwhile.
    """
    index, count = read_index(store), 0
    for number, shard in enumerate(read_shards(store)):
        found = damaged(store, shard.commits)
        if not found:
            continue
        count += len(found)
        remove_tally(store, number)
        ledger = Ledger(store, number, index.shards[number], index.shards[number + 1])
        epoch = ledger.claim()
        ledger.append(partial(_take_back, epoch, found))
    return count


def _take_back(epoch: int, found: list[Range], progress: Progress) -> Commit | None:
    """A commit that takes back those of the ranges that still stand."""
    standing = [item for item in found if progress.covers(item.lo, item.hi)]
    return Commit(epoch=epoch, ranges=[], voided=standing) if standing else None
