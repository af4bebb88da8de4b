"""`ftorch submit`: run a job, go on with a run, or do again what failed in one."""

from dataclasses import dataclass, replace
from pathlib import Path

import click

from orchestrator.cli.options import job_argument, json_option, load, overrides_option
from orchestrator.cli.show import open_watcher, print_json, print_plan, print_report
from orchestrator.engine.explain import explain
from orchestrator.engine.session import Sitting, begin, resume
from orchestrator.errors import DONE, RESUMABLE, TOO_MANY_FAILED, JobError, RunNotFound
from orchestrator.run.folder import MANIFEST, is_finished, list_runs, new_run_id, read_manifest, runs_folder
from orchestrator.spec.model import JobSpec
from orchestrator.store.local import LocalStore

_CODES = {"done": DONE, "failed": TOO_MANY_FAILED, "interrupted": RESUMABLE}

EPILOG = """\b
Examples:
  ftorch submit job.yaml
  ftorch submit job.yaml --set with.algorithm=blake3 --threads 8
  ftorch submit job.yaml --resume                 go on with the newest unfinished run
  ftorch submit --retry-failed .ftorch/runs/hash-photos-20260101-020000-1a2b
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for."""

    job: Path | None
    run: Path | None
    resume: bool
    retry_failed: Path | None
    limit: int | None
    accept_changes: bool


@click.command(epilog=EPILOG)
@job_argument(required=False)
@click.option("--run", type=click.Path(path_type=Path), help="Keep the run in this folder.", metavar="DIR")
@click.option("--resume", "resume_", is_flag=True, help="Go on with the newest unfinished run, or the one of --run.")
@click.option("--retry-failed", type=click.Path(path_type=Path), metavar="RUN", help="Do again what failed in a run.")
@click.option("--threads", type=click.IntRange(1, 4096), help="So many threads, whatever the quota says.", metavar="N")
@click.option("--limit", type=click.IntRange(1), help="Only the first N items.", metavar="N")
@click.option("--accept-changes", is_flag=True, help="Resume although the job or its code changed.")
@click.option("--dry-run", is_flag=True, help="Check everything and say what would be done; write nothing.")
@click.option("--quiet", "-q", is_flag=True, help="No progress and no report; errors only.")
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
    if threads is not None:
        overrides = (*overrides, f"resources.threads={threads}")
    asked = Asked(job, run, resume_, retry_failed, limit, accept_changes)
    sitting, going_on = _sitting(asked, overrides)
    if dry_run:
        plan = explain(sitting.spec, sitting.base, limit)
        print_json(plan) if as_json else print_plan(plan)
        return DONE
    watcher = open_watcher(quiet=quiet or as_json)
    report = resume(sitting, watcher) if going_on else begin(sitting, watcher)
    if as_json:
        print_json(report)
    elif not quiet:
        print_report(report)
    return _CODES[report.state]


def _sitting(asked: Asked, overrides: tuple[str, ...]) -> tuple[Sitting, bool]:
    """What to do, and whether that is going on with a run."""
    if asked.retry_failed is not None:
        sitting = _of_run(asked.retry_failed, overrides)
        return replace(sitting, retry_failed=True, accept_changes=True), True
    if asked.job is None:
        if asked.run is None or not asked.resume:
            raise click.UsageError("name a job file, or a run with --run DIR --resume or --retry-failed RUN")
        return replace(_of_run(asked.run, overrides), accept_changes=asked.accept_changes), True
    job_file, spec = load(asked.job, overrides)
    if asked.resume:
        found = _unfinished(asked.run, job_file, spec)
        if found is not None:
            return Sitting(spec, job_file, found, accept_changes=asked.accept_changes), True
    folder = asked.run or runs_folder(job_file.parent) / new_run_id(spec.name)
    return Sitting(spec, job_file, folder.resolve(), limit=asked.limit), False


def _of_run(run: Path, overrides: tuple[str, ...]) -> Sitting:
    manifest = read_manifest(LocalStore(run))
    if overrides:
        raise JobError(
            "--set and --threads need the job file, and a run was named",
            hint=f"Write: ftorch submit {manifest.job_file} --run {run} --resume --set …",
        )
    return Sitting(manifest.spec, Path(manifest.job_file), run.resolve())


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
