"""Go on with a run of many shards from outside: one process does what is missing of all, and publishes.

Guarantees: processes that still work on a shard are fenced, so nothing is done twice. Assumes: what `joining` does.
"""

import os
from pathlib import Path

from orchestrator.engine import finishing, session
from orchestrator.engine.joining import Joined, find_joint, join
from orchestrator.engine.joint import publish_anew, read_shard, unsettled
from orchestrator.engine.protocol import Ended
from orchestrator.engine.runreport import OutputReport, RunReport
from orchestrator.engine.session import Sitting
from orchestrator.engine.shardwork import ShardWork
from orchestrator.engine.spawn import Spawned
from orchestrator.engine.supervisor import Worker
from orchestrator.engine.watcher import Watcher
from orchestrator.errors import RunConflict, RunDamaged
from orchestrator.run import folder
from orchestrator.run.commands import resume_command
from orchestrator.store.open import open_store

_MOST_REPAIRS = 3


def resume(sitting: Sitting, watcher: Watcher, spawned: Spawned | None = None) -> RunReport:
    """Go on with a run, of however many shards: do what is missing, and publish.

    Raises:
        RunNotFound: there is no such run.
        RunConflict: the job or its code changed since, and that was not accepted.
        And what `session.begin` raises.
    """
    store = open_store(sitting.run, sitting.spec.remote)
    joint = find_joint(store)
    if joint is None or joint.shards == 1:
        return session.resume(sitting, watcher, spawned)
    with Worker(spawned) as worker:
        joined = join(sitting, store, worker, watcher)
        return _work(sitting, joined, worker, watcher)


def collect(run: Path | str) -> OutputReport | None:
    """Put the output of a complete run together (again), of however many shards; None for a job without output.

    Raises:
        RunNotFound, RunDamaged: there is no such run, or a file of it is damaged.
        RunConflict: items are still missing.
        OutputError, StoreUnavailable: the output cannot be written.
    """
    store = open_store(run)
    folder.read_manifest(store)
    joint = find_joint(store)
    if joint is None or joint.shards == 1:
        return finishing.collect(run)
    report = publish_anew(joint, ())
    if report is not None:
        return report.output
    left = [shard for shard in unsettled(joint) if not read_shard(joint, shard).progress.complete]
    some = ", ".join(map(str, left[:8])) + (", …" if len(left) > 8 else "")
    raise RunConflict(
        f"the run is not complete: items are missing in {len(left)} of {joint.shards} shards ({some})",
        where=store.url,
        hint=f"Wait for their processes, or finish it here: {resume_command(run)}",
    )


def _work(sitting: Sitting, joined: Joined, worker: Worker, watcher: Watcher) -> RunReport:
    joint, work = joined.joint, ShardWork(joined, os.fspath(sitting.run), watcher)
    mine: Worker | None = worker
    for shard in range(joint.shards):
        progress = read_shard(joint, shard).progress
        again = sitting.retry_failed and bool(progress.failed)
        if progress.complete and not again:
            continue
        ended = work.do(shard, mine, again)
        mine = None
        if ended.state == "interrupted" or not read_shard(joint, shard).progress.complete:
            return finishing.finish(joint.store, joint.manifest, ended, work.deaths.notes)
    for _ in range(_MOST_REPAIRS):
        try:
            report = publish_anew(joint, work.deaths.notes)
        except RunDamaged:
            if not work.mend():
                raise
            continue
        missing = Ended("interrupted", "another process took back something of the run meanwhile")
        return report or finishing.finish(joint.store, joint.manifest, missing, work.deaths.notes)
    raise RunDamaged("parts of the run are damaged again and again", where=joint.store.url, hint="Check the disk.")
