"""`ftorch submit`: run a job, go on with a run, or do again what failed in one.

What the command does is in :mod:`orchestrator.cli.submission`, which is imported once its arguments are known.
"""

from pathlib import Path

import click

from orchestrator.cli.asked import Asked, Telling
from orchestrator.cli.clusters import also_on_cluster
from orchestrator.cli.completion import complete_run
from orchestrator.cli.options import job_argument, json_option, overrides_option
from orchestrator.cli.standby import Standby
from orchestrator.store.open import whereabouts

EPILOG = """\b
Examples:
  ftorch submit job.yaml
  ftorch submit job.yaml --limit 100 --set output.overwrite=true       try it on a few items first
  ftorch submit job.yaml --set with.algorithm=blake3 --threads 8
  ftorch submit job.yaml --resume                                      go on with the newest unfinished run
  ftorch submit job.yaml --run /shared/run --shard 3                   one process's part, beside others'
  ftorch submit job.yaml --run s3://bucket/runs/monday                 keep the run's state in a bucket
  ftorch submit --retry-failed hash-photos-20260101-020000-1a2b        do again just what failed
  ftorch submit job.yaml --on kubernetes                               on a cluster, and follow it there
"""


@click.command(epilog=EPILOG)
@job_argument(required=False)
@click.option("--run", type=whereabouts, help="Keep the run in this folder, or at this URL.", metavar="DIR")
@click.option(
    "--resume",
    "resume_",
    is_flag=True,
    help="Go on with the newest unfinished run of JOB, or with that of --run (begun if it is not there yet).",
)
@click.option(
    "--retry-failed",
    type=whereabouts,
    metavar="RUN",
    help="Do again what failed in a run, and publish its output anew.",
    shell_complete=complete_run,
)
@click.option(
    "--shard",
    metavar="K|auto",
    help="Do one of the kubernetes.shards parts of the input, beside processes that do the others in the same --run; "
    "auto takes JOB_COMPLETION_INDEX.",
)
@click.option("--threads", type=click.IntRange(1, 4096), help="So many threads, whatever the quota says.", metavar="N")
@click.option("--limit", type=click.IntRange(1), help="Only the first N items.", metavar="N")
@click.option("--accept-changes", is_flag=True, help="Resume although the job or its code changed.")
@click.option("--dry-run", is_flag=True, help="Check everything and say what would be done; write nothing.")
@click.option(
    "--metrics",
    metavar="[HOST:]PORT",
    help="Serve the run's figures to Prometheus while it runs: 9095 for this machine, :9095 for all of its interfaces.",
)
@click.option("--quiet", "-q", is_flag=True, help="No progress and no report; only what went wrong.")
@overrides_option
@json_option
@click.pass_obj
@also_on_cluster("submitting_there", "command", submits=True)
def command(
    standby: Standby,
    job: Path | None,
    run: Path | str | None,
    resume_: bool,
    retry_failed: Path | str | None,
    shard: str | None,
    threads: int | None,
    limit: int | None,
    accept_changes: bool,
    dry_run: bool,
    metrics: str | None,
    quiet: bool,
    overrides: tuple[str, ...],
    as_json: bool,
) -> int:
    """Run the job in JOB (a job.yaml, or the folder that holds one)."""
    asked = Asked(job, run, resume_, retry_failed, limit, threads, accept_changes, overrides, shard)
    _check(asked)
    if shard is not None and not dry_run:
        from orchestrator.cli.pod import sit

        return sit(asked, Telling(quiet, as_json, metrics), standby)
    from orchestrator.cli.submission import dry, submit

    return dry(asked, as_json) if dry_run else submit(asked, Telling(quiet, as_json, metrics), standby)


def _check(asked: Asked) -> None:
    """Options that mean nothing together are mistakes, told before anything else is looked at."""
    if asked.shard is not None:
        _check_shard(asked)
        return
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


def _check_shard(asked: Asked) -> None:
    if asked.job is None or asked.run is None:
        raise click.UsageError("--shard needs JOB, and --run for the folder that all shards share")
    for name, given in (("--resume", asked.resume), ("--retry-failed", asked.retry_failed)):
        if given:
            raise click.UsageError(f"--shard begins a run or goes on with it by itself: leave out {name}")
