"""How a process joins a run that many work on: all go by one manifest and one plan, whichever of them begins.

Guarantees: the manifest and the plan are each made once (create-only), and a wrong job, code or input is told before
anything is written. Assumes: all processes see one store, and run the same job file and code.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct, structs

from orchestrator.engine.changes import check_unchanged
from orchestrator.engine.joint import Joint
from orchestrator.engine.protocol import Load, Loaded
from orchestrator.engine.session import Sitting, decide_threads_for, look_ahead, manifest_of, pool_caps
from orchestrator.engine.supervisor import Worker
from orchestrator.engine.watcher import Watcher
from orchestrator.errors import FtorchError, Interrupted, OutputError, RunConflict, RunNotFound
from orchestrator.host.cpus import ThreadDecision
from orchestrator.inputs.base import Entry, Source
from orchestrator.inputs.open import open_source
from orchestrator.outputs.open import check_output
from orchestrator.run import folder
from orchestrator.run.folder import Manifest
from orchestrator.run.limit import Limited
from orchestrator.run.plan import PlanIndex, write_plan
from orchestrator.run.planner import Planning, Waiting, find_index, plan_or_wait
from orchestrator.spec.formats import resolve_output_format
from orchestrator.spec.model import JobSpec
from orchestrator.store.base import Store


class Joined(Struct, frozen=True):
    """A process that has joined a run: the run, its threads and why, the caps on native thread pools."""

    joint: Joint
    threads: ThreadDecision
    pools: dict[str, str]

    @property
    def load(self) -> Load:
        """How a worker is told of the job."""
        return Load(self.joint.manifest.job, self.joint.manifest.base, self.pools)


def shards_of(spec: JobSpec) -> int:
    """Into how many shards a job's input is cut on a cluster."""
    return spec.kubernetes.shards or spec.kubernetes.nodes


def find_joint(store: Store) -> Joint | None:
    """The run in a store, if it was begun and planned.

    Raises:
        RunDamaged: its manifest or its plan cannot be read.
    """
    manifest = _find_manifest(store)
    index = None if manifest is None else find_index(store)
    return None if manifest is None or index is None else Joint(store, manifest, index)


def join(sitting: Sitting, store: Store, worker: Worker, watcher: Watcher) -> Joined:
    """Have a worker import the task, and agree with the other processes on the run's manifest and plan.

    Raises:
        JobError: the task, the input or the output is wrong.
        MachineError: this machine cannot run the job.
        RunConflict: the run was begun with another job or other code.
        Interrupted, RunError: it stopped on the way; the same command goes on.
    """
    spec = sitting.spec
    manifest = _find_manifest(store)
    base = sitting.base if manifest is None else Path(manifest.base)
    threads = decide_threads_for(spec)
    pools = pool_caps(spec, threads)
    worker.load(Load(folder.raw_job(spec), os.fspath(base), pools))
    source = open_source(spec.input, base, spec.remote)
    entries = source.entries() if manifest is not None else look_ahead(source.entries(), worker)
    loaded = worker.loaded()
    if manifest is None:
        manifest = _begin(sitting, store, loaded)
    if not sitting.accept_changes:
        check_unchanged(manifest, spec, loaded.fingerprint)
    found = plan_or_wait(store, Waiting(told=watcher.planning))
    if isinstance(found, Planning):
        limited = None if manifest.limit is None else Limited(source, manifest.limit)
        found = _plan(_Making(store, source, manifest, found, limited), entries, watcher)
    return Joined(Joint(store, structs.replace(manifest, job=folder.raw_job(spec)), found), threads, pools)


def _begin(sitting: Sitting, store: Store, loaded: Loaded) -> Manifest:
    """Begin the run, unless another process has meanwhile; the manifest that stands."""
    spec = sitting.spec
    output_format = resolve_output_format(spec.output, loaded.is_fold)
    manifest = manifest_of(sitting, loaded, output_format)
    try:
        check_output(spec.output, output_format, sitting.base, spec.name, spec.remote)
        folder.create_run(store, manifest)
    except OutputError, RunConflict:
        # Others may have begun the run since, and even have published it.
        begun = _find_manifest(store)
        if begun is None:
            raise
        return begun
    return manifest


class _Making(Struct, frozen=True):
    store: Store
    source: Source
    manifest: Manifest
    turn: Planning
    limited: Limited | None


def _plan(making: _Making, entries: Iterator[Entry], watcher: Watcher) -> PlanIndex:
    """Make the plan; the others wait, and are told where that fails."""
    limited = making.limited
    chosen = _counted(entries if limited is None else iter(limited), watcher)
    try:
        return write_plan(
            making.store,
            making.source,
            making.turn.telling(chosen),
            shards_of(making.manifest.spec),
            lambda: None if limited is None else limited.of_last,
        )
    except BaseException as error:
        with suppress(FtorchError):
            making.turn.give_up()
        if isinstance(error, KeyboardInterrupt):
            watcher.ended()
            raise Interrupted(
                "stopped while the input was being planned",
                where=making.manifest.id,
                hint="The same command goes on.",
            ) from error
        raise


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
