"""One process's part in a run that many work on: agree on the job and the plan, do a shard, and publish what all did.

Guarantees: whichever process begins, all go by the same manifest and the same plan; of two processes on one shard the
newer goes on and the older is fenced. Assumes: all see one store, and run the same job file and code.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import structs

from orchestrator.engine.boards import own_board
from orchestrator.engine.changes import check_unchanged
from orchestrator.engine.finishing import void_damaged
from orchestrator.engine.joint import (
    Joint,
    failed_elsewhere,
    publish_whole,
    read_shard,
    shard_ending,
    shard_report,
    tell_tally,
    unsettled,
)
from orchestrator.engine.keeper import Charge, Keeper
from orchestrator.engine.protocol import Ended, Load, Loaded, Work
from orchestrator.engine.recovery import Recovery
from orchestrator.engine.runreport import RunReport
from orchestrator.engine.session import Sitting, decide_threads_for, look_ahead, manifest_of, pool_caps
from orchestrator.engine.spawn import Spawned
from orchestrator.engine.supervisor import Worker
from orchestrator.engine.watcher import Watcher
from orchestrator.errors import FtorchError, JobError, OutputError, RunConflict, RunDamaged, RunNotFound
from orchestrator.host.cpus import ThreadDecision
from orchestrator.inputs.base import Entry, Source
from orchestrator.inputs.open import open_source
from orchestrator.outputs.open import check_output
from orchestrator.outputs.target import Target, target_of
from orchestrator.outputs.tree import sweep_temporaries
from orchestrator.run import folder
from orchestrator.run.folder import Manifest
from orchestrator.run.limit import Limited
from orchestrator.run.plan import PlanIndex, write_plan
from orchestrator.run.planner import Planning, Waiting, find_index, plan_or_wait
from orchestrator.spec.formats import resolve_output_format
from orchestrator.spec.model import JobSpec
from orchestrator.store.base import Store
from orchestrator.store.local import LocalStore

_MOST_REPAIRS = 3


def shards_of(spec: JobSpec) -> int:
    """Into how many shards a job's input is cut on a cluster."""
    return spec.kubernetes.shards or spec.kubernetes.nodes


class Pod:
    """A process that works on one shard of a run.

    Attributes:
        known: what is known of the workers that died.
        threads: how many threads there are, and why; None before that was decided.
        joint: the run; None before there is a plan.
        worked: whether a worker has worked in this sitting, and reported.
    """

    def __init__(self, sitting: Sitting, shard: int, watcher: Watcher) -> None:
        self.store: Store = LocalStore(Path(sitting.run))
        self.shard = shard
        self.known = Recovery()
        self.threads: ThreadDecision | None = None
        self.joint: Joint | None = None
        self.worked = False
        self._sitting = sitting
        self._watcher = watcher
        self._pools: dict[str, str] = {}

    def sit(self, spawned: Spawned | None = None) -> RunReport:
        """Do what is missing of the shard, and publish the run if that was the last of it.

        Raises:
            JobError: the job, its code or the shard's number is wrong.
            RunConflict: the run was begun with another job or other code.
            MachineError: this machine cannot run it.
            Interrupted, RunError, WorkerDied: it stopped on the way; the same command goes on.
        """
        with Worker(spawned) as worker:
            self._check_shard(shards_of(self._sitting.spec))
            joint = self._known()
            if joint is not None:
                self.joint = joint
                self._check_shard(joint.shards)
                found = read_shard(joint, self.shard)
                if found.progress.complete:
                    return self._end(joint, shard_ending(joint, found))
            self.joint = joint = self._join(worker)
            self._check_shard(joint.shards)
            return self._work(joint, worker)

    def _check_shard(self, shards: int) -> None:
        if not 0 <= self.shard < shards:
            raise JobError(
                f"there is no shard {self.shard}: the input is cut into {shards}, numbered from 0",
                where="--shard",
                hint="kubernetes.shards (or kubernetes.nodes) says into how many, and the Job's completions must be "
                "as many; a run that was begun keeps its number.",
            )

    def _known(self) -> Joint | None:
        """The run, if it has been begun and planned."""
        manifest = _find_manifest(self.store)
        index = None if manifest is None else find_index(self.store)
        return None if manifest is None or index is None else Joint(self.store, manifest, index)

    def _join(self, worker: Worker) -> Joint:
        """Import the task, and agree with the other processes on the run's manifest and plan."""
        sitting, spec = self._sitting, self._sitting.spec
        manifest = _find_manifest(self.store)
        base = sitting.base if manifest is None else Path(manifest.base)
        self.threads = decide_threads_for(spec)
        self._pools = pool_caps(spec, self.threads)
        worker.load(Load(folder.raw_job(spec), os.fspath(base), self._pools))
        source = open_source(spec.input, base)
        entries = source.entries() if manifest is not None else look_ahead(source.entries(), worker)
        loaded = worker.loaded()
        if manifest is None:
            manifest = self._begin(loaded)
        if not sitting.accept_changes:
            check_unchanged(manifest, spec, loaded.fingerprint)
        found = plan_or_wait(self.store, Waiting(told=self._watcher.planning))
        index = self._plan(found, source, entries, manifest) if isinstance(found, Planning) else found
        return Joint(self.store, structs.replace(manifest, job=folder.raw_job(spec)), index)

    def _begin(self, loaded: Loaded) -> Manifest:
        """Begin the run, unless another process has meanwhile; the manifest that stands."""
        sitting, spec = self._sitting, self._sitting.spec
        output_format = resolve_output_format(spec.output, loaded.is_fold)
        manifest = manifest_of(sitting, loaded, output_format)
        try:
            check_output(spec.output, output_format, sitting.base, spec.name)
            folder.create_run(self.store, manifest)
        except OutputError, RunConflict:
            # Others may have begun the run since, and even have published it.
            begun = _find_manifest(self.store)
            if begun is None:
                raise
            return begun
        return manifest

    def _plan(self, turn: Planning, source: Source, entries: Iterator[Entry], manifest: Manifest) -> PlanIndex:
        """Make the plan; the others wait, and are told where that fails."""
        limited = None if manifest.limit is None else Limited(source, manifest.limit)
        chosen = _counted(entries if limited is None else iter(limited), self._watcher)
        try:
            return write_plan(
                self.store,
                source,
                turn.telling(chosen),
                shards_of(manifest.spec),
                lambda: None if limited is None else limited.of_last,
            )
        except BaseException:
            with suppress(FtorchError):
                turn.give_up()
            raise

    def _work(self, joint: Joint, worker: Worker) -> RunReport:
        """Do the shard with a worker that has loaded the task."""
        manifest = joint.manifest
        target = target_of(manifest.spec.output, manifest.output_format, Path(manifest.base), manifest.spec.name)
        with own_board(self.store.url, self.shard) as board:
            work = self._work_of(joint, self.shard, target, board)
            try:
                keeper = self._keeper(joint, board)
                ended = self._run(keeper, worker, work)
                return self._end_well(joint, keeper, work, ended)
            finally:
                self._watcher.ended()
                if target.format == "tree":
                    # A worker that was ended at once has left what its threads were writing.
                    with suppress(OSError):
                        sweep_temporaries(target.path)

    def _work_of(self, joint: Joint, shard: int, target: Target, board: Path) -> Work:
        assert self.threads is not None
        return Work(
            run=os.fspath(self._sitting.run),
            job=joint.manifest.job,
            shard=shard,
            threads=self.threads,
            output=os.fspath(target.path) if target.format == "tree" else "",
            # Another process of this shard may have written any of its files.
            replace=True,
            retry_failed=False,
            board=os.fspath(board),
            failed_elsewhere=failed_elsewhere(joint, shard),
        )

    def _keeper(self, joint: Joint, board: Path) -> Keeper:
        manifest, watcher = joint.manifest, self._watcher
        charge = Charge(manifest.spec, Load(manifest.job, manifest.base, self._pools), board)
        return Keeper(charge, lambda: watcher.started(manifest, board), watcher.tick)

    def _run(self, keeper: Keeper, worker: Worker | None, work: Work) -> Ended:
        try:
            ended = keeper.run_anew(work) if worker is None else keeper.run(worker, work)
        finally:
            self.known = keeper.known
        self.worked = True
        return ended

    def _end_well(self, joint: Joint, keeper: Keeper, work: Work, ended: Ended) -> RunReport:
        """End the sitting; what turns out to be damaged when the run is published is done again here, first."""
        for _ in range(_MOST_REPAIRS):
            try:
                return self._end(joint, ended)
            except RunDamaged:
                if not void_damaged(joint.store):
                    raise
            for shard in range(joint.shards):
                if not read_shard(joint, shard).progress.complete:
                    ended = self._run(keeper, None, structs.replace(work, shard=shard, trials=()))
                    tell_tally(joint, shard, read_shard(joint, shard), ended)
        raise RunDamaged("parts of the run are damaged again and again", where=joint.store.url, hint="Check the disk.")

    def _end(self, joint: Joint, ended: Ended) -> RunReport:
        """Tell what the shard has come to, and publish the run if all have come to that."""
        notes = self.known.notes
        tell_tally(joint, self.shard, read_shard(joint, self.shard), ended)
        left = unsettled(joint)
        if not left:
            whole = publish_whole(joint, self.shard, notes)
            if whole is not None:
                own = shard_report(joint, self.shard, ended, notes)
                return structs.replace(whole, nodes=own.nodes)
        report = shard_report(joint, self.shard, ended, notes)
        return structs.replace(report, reason=f"{report.reason} of shard {self.shard}") if left else report


def _find_manifest(store: Store) -> Manifest | None:
    try:
        return folder.read_manifest(store)
    except RunNotFound:
        return None


def _counted(entries: Iterator[Entry], watcher: Watcher) -> Iterator[Entry]:
    for number, entry in enumerate(entries, 1):
        if number % 1024 == 0:
            watcher.planning(number)
        yield entry
