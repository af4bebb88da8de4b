"""A sitting of a run, from the job file to the published output: begin a run or go on with one.

Reading and checking come first and write nothing; then the run's folder is made, the plan written, the worker set to
work, and the output put together from the ledger.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

import msgspec
from msgspec import Struct

from orchestrator.engine.changes import check_unchanged
from orchestrator.engine.finishing import finish, void_damaged
from orchestrator.engine.keeper import Charge, Keeper
from orchestrator.engine.protocol import Load, Loaded, Work
from orchestrator.engine.runreport import RunReport
from orchestrator.engine.spawn import Spawned
from orchestrator.engine.supervisor import Worker
from orchestrator.engine.watcher import Watcher
from orchestrator.errors import Interrupted, RunDamaged
from orchestrator.host.cpus import ThreadDecision, cpu_facts, decide_threads
from orchestrator.host.interpreter import gil_enabled
from orchestrator.host.memory import decide_memory, find_memory_limits, total_memory
from orchestrator.host.native import native_pool_caps
from orchestrator.inputs.base import Entry, Source
from orchestrator.inputs.open import open_source
from orchestrator.outputs.open import check_output
from orchestrator.outputs.target import target_of
from orchestrator.outputs.tree import sweep_temporaries
from orchestrator.run import folder
from orchestrator.run.commands import resume_command
from orchestrator.run.folder import Manifest
from orchestrator.run.limit import Limited
from orchestrator.run.plan import PlanIndex, read_index, write_plan
from orchestrator.run.scratch import board_path, make_scratch, remove_scratch
from orchestrator.spec.formats import resolve_output_format
from orchestrator.spec.model import JobSpec
from orchestrator.store.base import NotFound, Store
from orchestrator.store.open import open_store
from orchestrator.version import __version__

_MOST_REPAIRS = 3
_LOOK_EVERY = 256
_MOST_AHEAD = 1 << 16


class Sitting(Struct, frozen=True):
    """What a sitting is asked to do.

    Attributes:
        spec: the job, overrides included.
        job_file: its path; relative paths start from its folder.
        run: the run's folder, or its URL.
        limit: at most so many items, or None.
        retry_failed: do again what failed before.
        accept_changes: go on although the code or the job changed since the run began.
    """

    spec: JobSpec
    job_file: Path
    run: Path | str
    limit: int | None = None
    retry_failed: bool = False
    accept_changes: bool = False

    @property
    def base(self) -> Path:
        """The folder that relative paths start from."""
        return self.job_file.parent


def begin(sitting: Sitting, watcher: Watcher, spawned: Spawned | None = None) -> RunReport:
    """Run a job from its beginning, with a worker that was started already, if there is one.

    Raises:
        JobError: the task, the input or the output is wrong; nothing was written.
        MachineError: this machine cannot run it; nothing was written.
        Interrupted, RunError, WorkerDied: it stopped on the way; the run can be resumed.
    """
    spec, base = sitting.spec, sitting.base
    with Worker(spawned) as worker:
        threads = decide_threads_for(spec)
        pools = pool_caps(spec, threads)
        worker.load(Load(folder.raw_job(spec), os.fspath(base), pools))
        source = open_source(spec.input, base, spec.remote)
        entries = look_ahead(source.entries(), worker)
        loaded = worker.loaded()
        output_format = resolve_output_format(spec.output, loaded.is_fold)
        check_output(spec.output, output_format, base, spec.name, spec.remote)
        manifest = manifest_of(sitting, loaded, output_format)
        store = open_store(sitting.run, spec.remote)
        folder.create_run(store, manifest)
        _plan(store, source, entries, manifest, watcher)
        return _work(sitting, _Going(store, manifest, threads, pools, resumed=False), worker, watcher)


def resume(sitting: Sitting, watcher: Watcher, spawned: Spawned | None = None) -> RunReport:
    """Go on with a run: do what is missing, and publish; otherwise like `begin`.

    Raises:
        RunNotFound: there is no such run.
        RunConflict: the job or its code changed since, and that was not accepted.
        And what `begin` raises.
    """
    with Worker(spawned) as worker:
        spec = sitting.spec
        store = open_store(sitting.run, spec.remote)
        manifest = folder.read_manifest(store)
        threads = decide_threads_for(spec)
        pools = pool_caps(spec, threads)
        worker.load(Load(folder.raw_job(spec), manifest.base, pools))
        loaded = worker.loaded()
        if not sitting.accept_changes:
            check_unchanged(manifest, spec, loaded.fingerprint)
        try:
            read_index(store)
        except NotFound:
            source = open_source(spec.input, Path(manifest.base), spec.remote)
            _plan(store, source, source.entries(), manifest, watcher)
        manifest = msgspec.structs.replace(manifest, job=folder.raw_job(spec))
        return _work(sitting, _Going(store, manifest, threads, pools, resumed=True), worker, watcher)


def decide_threads_for(spec: JobSpec) -> ThreadDecision:
    """How many threads the job gets here, and why.

    Raises:
        MachineError: the job asks for more memory than there is.
    """
    resources = spec.resources
    wanted = None if resources.memory is None else resources.memory.bytes
    decide_memory(wanted, total_memory(), find_memory_limits().limit())
    return decide_threads(resources.threads, resources.profile, resources.rounding, os.environ, cpu_facts())


def pool_caps(spec: JobSpec, threads: ThreadDecision) -> dict[str, str]:
    """What the worker's environment gets beside the user's: caps on native thread pools.

    A pool that a process has as a whole gets a thread for each of ours, which is one where lanes are processes.
    """
    processes = spec.runtime.backend == "processes" or gil_enabled()
    return native_pool_caps(os.environ, 1 if processes else threads.threads)


class _Going(Struct, frozen=True):
    store: Store
    manifest: Manifest
    threads: ThreadDecision
    pools: dict[str, str]
    resumed: bool


def look_ahead(entries: Iterator[Entry], worker: Worker) -> Iterator[Entry]:
    """The same entries, the first of them looked for while the worker imports the task.

    So a wrong input is told before anything is written, and a large one is partly walked when the worker is ready.
    """
    taken: list[Entry] = []
    for entry in entries:
        taken.append(entry)
        if len(taken) % _LOOK_EVERY == 0 and (len(taken) >= _MOST_AHEAD or worker.has_spoken()):
            break
    return chain(taken, entries)


def manifest_of(sitting: Sitting, loaded: Loaded, output_format: str) -> Manifest:
    """What a run that begins now is started with."""
    return Manifest(
        id=os.fspath(sitting.run).rpartition("/")[2],
        job=folder.raw_job(sitting.spec),
        base=os.fspath(sitting.base),
        job_file=os.fspath(sitting.job_file),
        task_fingerprint=loaded.fingerprint,
        output_format=output_format,
        limit=sitting.limit,
        created=time.time(),
        versions={"ftorch": __version__, "python": sys.version.split(maxsplit=1)[0], "build": sys.version},
    )


def _plan(store: Store, source: Source, entries: Iterator[Entry], manifest: Manifest, watcher: Watcher) -> PlanIndex:
    limited = None if manifest.limit is None else Limited(source, manifest.limit)
    chosen = entries if limited is None else iter(limited)
    counted = _counted(chosen, watcher)
    try:
        return write_plan(store, source, counted, 1, lambda: limited.of_last if limited is not None else None)
    except KeyboardInterrupt:
        watcher.ended()
        raise Interrupted(
            "stopped by Ctrl-C while the input was being planned",
            where=manifest.id,
            hint=f"Go on with: {resume_command(store.url)}",
        ) from None


def _counted(entries: Iterator[Entry], watcher: Watcher) -> Iterator[Entry]:
    for number, entry in enumerate(entries, 1):
        if number % 1024 == 0:
            watcher.planning(number)
        yield entry


def _work(sitting: Sitting, going: _Going, worker: Worker, watcher: Watcher) -> RunReport:
    spec = going.manifest.spec
    target = target_of(spec.output, going.manifest.output_format, Path(going.manifest.base), spec.name)
    work = Work(
        run=os.fspath(sitting.run),
        job=going.manifest.job,
        shard=0,
        threads=going.threads,
        output=target.shown if target.format == "tree" else "",
        replace=going.resumed or target.overwrite,
        retry_failed=sitting.retry_failed,
    )
    make_scratch(sitting.run)
    board = board_path(sitting.run, 0)
    load = Load(going.manifest.job, going.manifest.base, going.pools)
    charge = Charge(spec, load, board, f"Go on with: {resume_command(sitting.run)}")
    keeper = Keeper(charge, lambda: watcher.started(going.manifest, board), watcher.tick)
    try:
        return _until_whole(keeper, worker, work, going)
    finally:
        watcher.ended()
        remove_scratch(sitting.run)
        if target.format == "tree" and not target.url:
            # A worker that was ended at once has left what its threads were writing.
            with suppress(OSError):
                sweep_temporaries(target.path)


def _until_whole(keeper: Keeper, worker: Worker, work: Work, going: _Going) -> RunReport:
    """Do the work and publish; what turns out to be damaged on the way is done again."""
    notes: tuple[str, ...] = ()
    for _ in range(_MOST_REPAIRS):
        try:
            ended = keeper.run(worker, work) if not notes else keeper.run_anew(work)
            return finish(going.store, going.manifest, ended, (*notes, *keeper.known.notes))
        except RunDamaged as damage:
            repaired = void_damaged(going.store)
            if not repaired:
                raise
            notes = (*notes, f"{damage.where}: {damage.message}; {repaired} stretches were done again")
            work = msgspec.structs.replace(work, trials=(), replace=True)
    raise RunDamaged("parts of the run are damaged again and again", where=going.store.url, hint="Check the disk.")
