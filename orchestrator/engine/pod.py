"""One process's part in a run that many work on: join it, do a shard, and publish what all did if that was the last.

Guarantees: of two processes on one shard the newer goes on and the older is fenced. Assumes: what `joining` does.
"""

import os

from msgspec import structs

from orchestrator.engine.joining import Joined, find_joint, join, shards_of
from orchestrator.engine.joint import (
    Joint,
    publish_whole,
    read_shard,
    shard_ending,
    shard_report,
    tell_tally,
    unsettled,
)
from orchestrator.engine.protocol import Ended
from orchestrator.engine.runreport import RunReport
from orchestrator.engine.session import Sitting
from orchestrator.engine.shardwork import Deaths, ShardWork
from orchestrator.engine.spawn import Spawned
from orchestrator.engine.supervisor import Worker
from orchestrator.engine.watcher import Watcher
from orchestrator.errors import JobError, RunDamaged
from orchestrator.host.cpus import ThreadDecision
from orchestrator.store.base import Store
from orchestrator.store.open import open_store

_MOST_REPAIRS = 3


class Pod:
    """A process that works on one shard of a run.

    Attributes:
        joint: the run; None before there is a plan.
        threads: how many threads there are, and why; None before that was decided.
    """

    def __init__(self, sitting: Sitting, shard: int, watcher: Watcher) -> None:
        self.store: Store = open_store(sitting.run, sitting.spec.remote)
        self.shard = shard
        self.joint: Joint | None = None
        self.threads: ThreadDecision | None = None
        self._work: ShardWork | None = None
        self._sitting = sitting
        self._watcher = watcher

    @property
    def deaths(self) -> Deaths:
        """What became of this sitting's workers so far."""
        return Deaths() if self._work is None else self._work.deaths

    @property
    def worked(self) -> bool:
        """Whether a worker has worked in this sitting, and reported."""
        return self._work is not None and self._work.worked

    def sit(self, spawned: Spawned | None = None) -> RunReport:
        """Do what is missing of the shard, and publish the run if that was the last of it.

        Raises:
            JobError: the job, its code or the shard's number is wrong.
            RunConflict: the run was begun with another job or other code.
            MachineError: this machine cannot run it.
            Interrupted, RunError, WorkerDied: it stopped on the way; the same command goes on.
        """
        with Worker(spawned) as worker:
            self.joint = joint = find_joint(self.store)
            self._check_shard(shards_of(self._sitting.spec) if joint is None else joint.shards)
            if joint is not None:
                found = read_shard(joint, self.shard)
                if found.progress.complete:
                    ended = shard_ending(joint, found)
                    tell_tally(joint, self.shard, found, ended)
                    return self._end(joint, ended)
            joined = join(self._sitting, self.store, worker, self._watcher)
            self.joint, self.threads = joined.joint, joined.threads
            self._check_shard(joined.joint.shards)
            return self._do(joined, worker)

    def _check_shard(self, shards: int) -> None:
        if not 0 <= self.shard < shards:
            raise JobError(
                f"there is no shard {self.shard}: the input is cut into {shards}, numbered from 0",
                where="--shard",
                hint="kubernetes.shards (or kubernetes.nodes) says into how many, and the Job's completions must be "
                "as many; a run that was begun keeps its number.",
            )

    def _do(self, joined: Joined, worker: Worker) -> RunReport:
        """Do the shard; what turns out to be damaged when the run is published is done again here, first."""
        self._work = work = ShardWork(joined, os.fspath(self._sitting.run), self._watcher)
        ended = work.do(self.shard, worker)
        for _ in range(_MOST_REPAIRS):
            try:
                return self._end(joined.joint, ended)
            except RunDamaged:
                if not work.mend():
                    raise
        raise RunDamaged("parts of the run are damaged again and again", where=self.store.url, hint="Check the disk.")

    def _end(self, joint: Joint, ended: Ended) -> RunReport:
        """Publish the run if all shards are settled, and report."""
        left = unsettled(joint)
        whole = None if left else publish_whole(joint, self.shard, self.deaths.notes)
        own = shard_report(joint, self.shard, ended, self.deaths.notes)
        if whole is not None:
            return structs.replace(whole, nodes=own.nodes)
        told = f"{len(left)} are not settled yet" if left else "all are settled"
        return structs.replace(own, notes=[f"shard {self.shard} of {joint.shards}, of which {told}", *own.notes])
