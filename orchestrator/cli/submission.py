"""What `ftorch submit` does, once it knows what it was asked."""

from contextlib import nullcontext
from pathlib import Path

import msgspec
from msgspec import structs

from orchestrator.cli.asked import Asked, Telling
from orchestrator.cli.foretelling import Foretelling
from orchestrator.cli.metering import metered
from orchestrator.cli.options import find_run, load
from orchestrator.cli.show import open_watcher, print_json, print_plan, print_report
from orchestrator.cli.signals import name_of
from orchestrator.cli.standby import Standby
from orchestrator.cli.streams import complain
from orchestrator.engine.runreport import RunReport
from orchestrator.engine.session import Sitting, begin
from orchestrator.engine.spawn import Spawned
from orchestrator.engine.watcher import Watcher
from orchestrator.errors import (
    DONE,
    RESUMABLE,
    TOO_MANY_FAILED,
    Interrupted,
    JobError,
    OutputError,
    RunConflict,
    RunNotFound,
)
from orchestrator.run.commands import quoted, resume_command
from orchestrator.run.folder import is_finished, is_there, list_runs, new_run_id, read_manifest, runs_folder
from orchestrator.spec.model import JobSpec
from orchestrator.store.open import open_store

_CODES = {"done": DONE, "failed": TOO_MANY_FAILED, "interrupted": RESUMABLE}


def dry(asked: Asked, as_json: bool) -> int:
    """Check everything and say what would be done."""
    from orchestrator.engine.explain import explain

    sitting, _ = _sitting(asked)
    plan = explain(sitting.spec, sitting.base, asked.limit)
    print_json(plan) if as_json else print_plan(plan)
    return DONE


def submit(asked: Asked, telling: Telling, standby: Standby) -> int:
    """Do what was asked with the worker on standby, and tell of it; the exit code."""
    sitting, going_on = _sitting(asked)
    quiet = telling.quiet or sitting.spec.runtime.backend == "processes"
    with nullcontext() if quiet else Foretelling(sitting.spec.task, sitting.job_file):
        report = _run(sitting, going_on, asked.resume, telling, standby.take())
    _tell(report, telling.quiet, telling.as_json)
    return _CODES[report.state]


def _run(sitting: Sitting, going_on: bool, joining: bool, telling: Telling, spawned: Spawned) -> RunReport:
    """Run it, and say how to go on where a signal ended it before or after the worker was at work."""
    watcher = open_watcher(telling.quiet, sitting.run)
    try:
        with metered(watcher, telling.metrics) as told:
            return _resume(sitting, told, spawned) if going_on else _begin(sitting, told, joining, spawned)
    except KeyboardInterrupt as stop:
        if not is_there(sitting.run, sitting.spec.remote):
            raise
        hint = f"Go on with: {resume_command(sitting.run)}"
        raise Interrupted(f"stopped by {name_of(stop)}", where=str(sitting.run).rpartition("/")[2], hint=hint) from stop
    finally:
        watcher.ended()


def _begin(sitting: Sitting, watcher: Watcher, joining: bool, spawned: Spawned) -> RunReport:
    """Begin the run; where --resume was given and another process has begun it meanwhile, go on with it."""
    try:
        return begin(sitting, watcher, spawned)
    except OutputError, RunConflict:
        if not joining or not is_there(sitting.run, sitting.spec.remote):
            raise
        return _resume(sitting, watcher, None)


def _resume(sitting: Sitting, watcher: Watcher, spawned: Spawned | None) -> RunReport:
    """Go on with a run, of however many shards."""
    from orchestrator.engine.many import resume

    return resume(sitting, watcher, spawned)


def _tell(report: RunReport, quiet: bool, as_json: bool) -> None:
    if as_json:
        print_json(report)
    elif not quiet:
        print_report(report)
    elif report.state != "done":
        complain(f"ftorch: {report.run}: {report.state}: {report.reason}\n  {_next(report)}")


def _next(report: RunReport) -> str:
    if report.state == "interrupted":
        return f"Go on with: {resume_command(report.folder)}"
    return f"What failed is in {report.failures}" if report.failures else f"The run is in {report.folder}"


def _sitting(asked: Asked) -> tuple[Sitting, bool]:
    """What to do, and whether that is going on with a run."""
    if asked.retry_failed is not None:
        sitting = _of_run(find_run(asked.retry_failed), asked)
        return structs.replace(sitting, retry_failed=True, accept_changes=True), True
    if asked.job is None:
        assert asked.run is not None
        return _of_run(_resolved(asked.run), asked), True
    job_file, spec = load(asked.job, asked.overrides)
    spec = _with_threads(spec, asked.threads)
    if asked.resume:
        found = _unfinished(asked.run, job_file, spec)
        if found is not None:
            return Sitting(spec, job_file, found, accept_changes=asked.accept_changes), True
    folder = asked.run or runs_folder(job_file.parent) / new_run_id(spec.name)
    return Sitting(spec, job_file, _resolved(folder), limit=asked.limit), False


def _of_run(run: Path | str, asked: Asked) -> Sitting:
    manifest = read_manifest(open_store(run))
    if asked.overrides:
        raise JobError(
            "--set needs the job file, and a run was named",
            hint=f"Write: ftorch submit {quoted(manifest.job_file)} --run {quoted(run)} --resume --set …",
        )
    spec = _with_threads(manifest.spec, asked.threads)
    return Sitting(spec, Path(manifest.job_file), run, accept_changes=asked.accept_changes)


def _resolved(run: Path | str) -> Path | str:
    return run.resolve() if isinstance(run, Path) else run


def _with_threads(spec: JobSpec, threads: int | None) -> JobSpec:
    if threads is None:
        return spec
    return msgspec.structs.replace(spec, resources=msgspec.structs.replace(spec.resources, threads=threads))


def _unfinished(run: Path | str | None, job_file: Path, spec: JobSpec) -> Path | str | None:
    if run is not None:
        return _resolved(run) if is_there(run, spec.remote) else None
    mine = [
        store
        for store, manifest in list_runs(job_file.parent)
        if manifest.job_file == str(job_file) and not is_finished(store)
    ]
    if mine:
        return mine[-1].root.resolve()
    raise RunNotFound(
        f"no unfinished run of {spec.name!r} is there to go on with",
        where=str(runs_folder(job_file.parent)),
        hint="Leave out --resume to start one; `ftorch runs` lists them.",
    )
