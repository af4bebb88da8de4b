"""`ftorch submit`: run a job, go on with a run, or do again what failed in one."""

from dataclasses import dataclass, replace
from pathlib import Path

import click
import msgspec

from orchestrator.cli.completion import complete_run
from orchestrator.cli.options import find_run, job_argument, json_option, load, overrides_option
from orchestrator.cli.show import open_watcher, print_json, print_plan, print_report
from orchestrator.cli.signals import name_of
from orchestrator.cli.streams import complain
from orchestrator.engine.explain import explain
from orchestrator.engine.runreport import RunReport
from orchestrator.engine.session import Sitting, begin, resume
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
from orchestrator.run.folder import MANIFEST, is_finished, list_runs, new_run_id, read_manifest, runs_folder
from orchestrator.spec.model import JobSpec
from orchestrator.store.local import LocalStore

_CODES = {"done": DONE, "failed": TOO_MANY_FAILED, "interrupted": RESUMABLE}

EPILOG = """\b
Examples:
  ftorch submit job.yaml
  ftorch submit job.yaml --limit 100 --set output.overwrite=true       try it on a few items first
  ftorch submit job.yaml --set with.algorithm=blake3 --threads 8
  ftorch submit job.yaml --resume                                      go on with the newest unfinished run
  ftorch submit --retry-failed hash-photos-20260101-020000-1a2b        do again just what failed
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for."""

    job: Path | None
    run: Path | None
    resume: bool
    retry_failed: Path | None
    limit: int | None
    threads: int | None
    accept_changes: bool
    overrides: tuple[str, ...]


@click.command(epilog=EPILOG)
@job_argument(required=False)
@click.option("--run", type=click.Path(path_type=Path), help="Keep the run in this folder.", metavar="DIR")
@click.option(
    "--resume",
    "resume_",
    is_flag=True,
    help="Go on with the newest unfinished run of JOB, or with that of --run (begun if it is not there yet).",
)
@click.option(
    "--retry-failed",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Do again what failed in a run, and publish its output anew.",
    shell_complete=complete_run,
)
@click.option("--threads", type=click.IntRange(1, 4096), help="So many threads, whatever the quota says.", metavar="N")
@click.option("--limit", type=click.IntRange(1), help="Only the first N items.", metavar="N")
@click.option("--accept-changes", is_flag=True, help="Resume although the job or its code changed.")
@click.option("--dry-run", is_flag=True, help="Check everything and say what would be done; write nothing.")
@click.option("--quiet", "-q", is_flag=True, help="No progress and no report; only what went wrong.")
@overrides_option
@json_option
def command(
    job: Path | None,
    run: Path | None,
    resume_: bool,
    retry_failed: Path | None,
    threads: int | None,
    limit: int | None,
    accept_changes: bool,
    dry_run: bool,
    quiet: bool,
    overrides: tuple[str, ...],
    as_json: bool,
) -> int:
    """Run the job in JOB (a job.yaml, or the folder that holds one)."""
    asked = Asked(job, run, resume_, retry_failed, limit, threads, accept_changes, overrides)
    _check(asked)
    sitting, going_on = _sitting(asked)
    if dry_run:
        plan = explain(sitting.spec, sitting.base, limit)
        print_json(plan) if as_json else print_plan(plan)
        return DONE
    report = _run(sitting, going_on, resume_, quiet)
    _tell(report, quiet, as_json)
    return _CODES[report.state]


def _run(sitting: Sitting, going_on: bool, joining: bool, quiet: bool) -> RunReport:
    """Run it, and say how to go on where a signal ended it before or after the worker was at work."""
    watcher = open_watcher(quiet)
    try:
        return resume(sitting, watcher) if going_on else _begin(sitting, watcher, joining)
    except KeyboardInterrupt as stop:
        if not (sitting.run / MANIFEST).exists():
            raise
        hint = f"Go on with: ftorch submit --run {sitting.run} --resume"
        raise Interrupted(f"stopped by {name_of(stop)}", where=sitting.run.name, hint=hint) from stop
    finally:
        watcher.ended()


def _begin(sitting: Sitting, watcher: Watcher, joining: bool) -> RunReport:
    """Begin the run; where --resume was given and another process has begun it meanwhile, go on with it."""
    try:
        return begin(sitting, watcher)
    except OutputError, RunConflict:
        if not joining or not (sitting.run / MANIFEST).exists():
            raise
        return resume(sitting, watcher)


def _tell(report: RunReport, quiet: bool, as_json: bool) -> None:
    if as_json:
        print_json(report)
    elif not quiet:
        print_report(report)
    elif report.state != "done":
        complain(f"ftorch: {report.run}: {report.state}: {report.reason}\n  {_next(report)}")


def _next(report: RunReport) -> str:
    if report.state == "interrupted":
        return f"Go on with: ftorch submit --run {report.folder} --resume"
    return f"What failed is in {report.failures}" if report.failures else f"The run is in {report.folder}"


def _check(asked: Asked) -> None:
    """Options that mean nothing together are mistakes, told before anything else is looked at."""
    going_on = "--retry-failed" if asked.retry_failed else "--resume" if asked.resume else None
    if asked.retry_failed is not None:
        for name, given in (("JOB", asked.job), ("--run", asked.run), ("--resume", asked.resume)):
            if given:
                raise click.UsageError(f"--retry-failed names the run, which knows its job: leave out {name}")
    elif asked.job is None and not (asked.run and asked.resume):
        raise click.UsageError("name a job file, or a run with --run DIR --resume or --retry-failed RUN")
    if asked.limit and going_on:
        raise click.UsageError(f"--limit is settled when a run begins; it cannot be given with {going_on}")
    if asked.accept_changes and not going_on:
        raise click.UsageError("--accept-changes is about going on with a run: give it with --resume")


def _sitting(asked: Asked) -> tuple[Sitting, bool]:
    """What to do, and whether that is going on with a run."""
    if asked.retry_failed is not None:
        sitting = _of_run(find_run(asked.retry_failed), asked)
        return replace(sitting, retry_failed=True, accept_changes=True), True
    if asked.job is None:
        assert asked.run is not None
        return _of_run(asked.run.resolve(), asked), True
    job_file, spec = load(asked.job, asked.overrides)
    spec = _with_threads(spec, asked.threads)
    if asked.resume:
        found = _unfinished(asked.run, job_file, spec)
        if found is not None:
            return Sitting(spec, job_file, found, accept_changes=asked.accept_changes), True
    folder = asked.run or runs_folder(job_file.parent) / new_run_id(spec.name)
    return Sitting(spec, job_file, folder.resolve(), limit=asked.limit), False


def _of_run(run: Path, asked: Asked) -> Sitting:
    manifest = read_manifest(LocalStore(run))
    if asked.overrides:
        raise JobError(
            "--set needs the job file, and a run was named",
            hint=f"Write: ftorch submit {manifest.job_file} --run {run} --resume --set …",
        )
    spec = _with_threads(manifest.spec, asked.threads)
    return Sitting(spec, Path(manifest.job_file), run, accept_changes=asked.accept_changes)


def _with_threads(spec: JobSpec, threads: int | None) -> JobSpec:
    if threads is None:
        return spec
    return msgspec.structs.replace(spec, resources=msgspec.structs.replace(spec.resources, threads=threads))


def _unfinished(run: Path | None, job_file: Path, spec: JobSpec) -> Path | None:
    if run is not None:
        return run.resolve() if (run / MANIFEST).exists() else None
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
