"""The joint end of a run of many shards: what one of them has come to, whether all have, and who publishes that.

Guarantees: the output is what the ledgers say once every shard is settled, whoever dies on the way and however often
it is done. Assumes: a process tells its shard's tally before it asks for all of them, so the last one sees them all.
"""

import msgspec
from msgspec import Struct

from orchestrator.engine.finishing import finish, merge_again, read_node
from orchestrator.engine.protocol import Ended
from orchestrator.engine.publishing import Settled
from orchestrator.engine.runreport import RunReport
from orchestrator.engine.turns import ANYBODY, claim_publishing, newest_claim
from orchestrator.engine.verdict import judge_ended, judge_shard
from orchestrator.errors import OutputError
from orchestrator.run import folder
from orchestrator.run.collect import failures
from orchestrator.run.folder import Manifest
from orchestrator.run.ledger import Ledger
from orchestrator.run.plan import PlanIndex, shard_totals
from orchestrator.run.records import Failure
from orchestrator.run.shards import Shard, read_shards
from orchestrator.run.tally import Tally, TallyState, read_tallies, remove_tally, write_tally
from orchestrator.store.base import Store

_EXAMPLES = 5


class Joint(Struct, frozen=True):
    """A run that many processes work on."""

    store: Store
    manifest: Manifest
    index: PlanIndex

    @property
    def shards(self) -> int:
        """How many shards it has."""
        return len(self.index.shards) - 1


def read_shard(joint: Joint, shard: int) -> Shard:
    """What a shard's ledger says now.

    Raises:
        RunDamaged: it cannot be read.
    """
    ledger = Ledger(joint.store, shard, joint.index.shards[shard], joint.index.shards[shard + 1])
    return Shard(ledger.refresh(), ledger.progress)


def failed_elsewhere(joint: Joint, shard: int) -> int:
    """How many items have failed in the other shards that have come to something, by now."""
    return sum(tally.failed for tally in read_tallies(joint.store).values() if tally.shard != shard)


def tell_tally(joint: Joint, shard: int, found: Shard, ended: Ended) -> None:
    """Tell what a shard has come to, where that is more than "not done yet"."""
    progress = found.progress
    if not progress.complete and ended.state != "failed":
        return
    state: TallyState = "settled" if progress.complete else "stopped"
    write_tally(joint.store, Tally(shard, state, progress.items, progress.nbytes, len(progress.failed)))


def unsettled(joint: Joint) -> list[int]:
    """The shards that are not known to be settled."""
    told = read_tallies(joint.store)
    return [shard for shard in range(joint.shards) if shard not in told or told[shard].state != "settled"]


def shard_ending(joint: Joint, found: Shard) -> Ended:
    """How a shard whose every item is settled has ended, by its ledger."""
    rule, failed = joint.manifest.spec.failures, len(found.progress.failed)
    verdict = judge_shard(rule, failed, 0, joint.index.items)
    return Ended("failed", verdict.reason) if verdict.failed else Ended("done", "every item is settled")


def publish_whole(joint: Joint, shard: int, notes: tuple[str, ...]) -> RunReport | None:
    """Publish a run all of whose shards are said to be settled.

    Returns:
        The run's report; None where that is another process's to do, or done, or where a shard is not settled after
        all (what was told of it is taken back then).

    Raises:
        OutputError, StoreUnavailable, RunDamaged: the output cannot be put together.
    """
    if folder.is_finished(joint.store):
        return None
    claim = claim_publishing(joint.store, shard)
    return None if claim is None else _publish(joint, claim, notes)


def publish_anew(joint: Joint, notes: tuple[str, ...]) -> RunReport | None:
    """Publish a run, whoever else does or did; None where a shard is not settled.

    Raises:
        OutputError, StoreUnavailable, RunDamaged: the output cannot be put together.
    """
    claim = claim_publishing(joint.store, ANYBODY)
    assert claim is not None
    return _publish(joint, claim, notes)


def _publish(joint: Joint, claim: int, notes: tuple[str, ...]) -> RunReport | None:
    store, manifest = joint.store, joint.manifest
    while True:
        settled = Settled(read_shards(store))
        if not settled.complete:
            for number, found in enumerate(settled.shards):
                if not found.progress.complete:
                    remove_tally(store, number)
            return None
        if manifest.output_format == "json":
            merge_again(store, manifest)
        verdict = judge_ended(manifest.spec.failures, settled.failed, settled.items)
        ended = Ended("failed", verdict.reason) if verdict.failed else Ended("done", "every item is settled")
        try:
            report = finish(store, manifest, ended, notes)
        except OutputError:
            # What stands there may be newer than what was read, by a process that has taken the turn since.
            claim, mine = newest_claim(store), claim
            if claim == mine:
                raise
            continue
        newest = newest_claim(store)
        if newest == claim or _commits(read_shards(store)) == _commits(settled.shards):
            return report
        # What was done again meanwhile (failed items, say) must not be covered by what was read before.
        claim = newest


def _commits(shards: list[Shard]) -> list[int]:
    return [len(found.commits) for found in shards]


def shard_report(joint: Joint, shard: int, ended: Ended, notes: tuple[str, ...]) -> RunReport:
    """The report of a sitting that has worked on one shard, and did not publish the run.

    Raises:
        RunDamaged, StoreUnavailable: the ledger cannot be read, or what failed cannot be written.
    """
    found = read_shard(joint, shard)
    failed = _write_failures(joint.store, shard, found)
    node = read_node(joint.store, shard)
    return RunReport(
        run=joint.manifest.id,
        folder=joint.store.url,
        state=ended.state,
        reason=ended.reason,
        total_items=shard_totals(joint.index, shard)[0],
        items=found.progress.items,
        nbytes=found.progress.nbytes,
        failed=len(found.progress.failed),
        examples=failed[:_EXAMPLES],
        failures=f"{joint.store.url}/{_failures_name(shard)}" if failed else None,
        output=None,
        nodes=[] if node is None else [node],
        notes=list(joint.index.notes),
        restarts=list(notes),
        ended=0.0,
    )


def _write_failures(store: Store, shard: int, found: Shard) -> list[Failure]:
    if not found.progress.failed:
        return []
    failed = failures(store, found.commits, [found.progress])
    store.put(_failures_name(shard), [msgspec.json.Encoder().encode_lines(failed)])
    return failed


def _failures_name(shard: int) -> str:
    return f"shards/{shard}/{folder.FAILURES}"
