"""`ftorch plan`: what a job would do, and why."""

from pathlib import Path

import click

from orchestrator.cli.options import job_argument, json_option, load, overrides_option
from orchestrator.cli.show import print_json, print_plan
from orchestrator.engine.explain import explain

EPILOG = """\b
Examples:
  ftorch plan job.yaml
  ftorch plan job.yaml --set resources.profile=mixed --json
"""


@click.command(epilog=EPILOG)
@job_argument()
@click.option("--limit", type=click.IntRange(1), help="Only the first N items.", metavar="N")
@overrides_option
@json_option
def command(job: Path, limit: int | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Say what JOB would do without running it: items, bytes, splits, threads and the reason, what is written."""
    job_file, spec = load(job, overrides)
    plan = explain(spec, job_file.parent, limit)
    print_json(plan) if as_json else print_plan(plan)
