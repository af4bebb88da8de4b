"""`ftorch plan`: what a job would do, and why; and with `--on kubernetes`, what it will take there."""

import math
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.options import job_argument, json_option, load, overrides_option
from orchestrator.cli.show import print_json, print_plan
from orchestrator.engine.explain import explain
from orchestrator.spec.units import Duration
from orchestrator.store.open import whereabouts

EPILOG = """\b
Examples:
  ftorch plan job.yaml
  ftorch plan job.yaml --set resources.profile=mixed --json
  ftorch plan job.yaml --on kubernetes --deadline 2h --price 0.04
  ftorch plan job.yaml --on kubernetes --price 0.012 --evictions 0.05/h
  ftorch plan job.yaml --on kubernetes --from s3://bucket/runs/photos-20260101-020000-1a2b --items 1000000000

\b
With --on kubernetes, time and cost on 1 to 1,000 nodes are computed from a run that was measured: the newest
finished one of the job, here or on a cluster. `ftorch submit job.yaml --limit N` makes one. No cluster is asked.
"""


_A_WHILE = {"m": 60.0, "h": 1.0, "d": 1 / 24}
"""So many times in an hour."""


class Length(click.ParamType[float]):
    """A length of time, as seconds."""

    name = "time"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """From "2h" to 7200.0."""
        try:
            return Duration.parse(value).seconds
        except ValueError as error:
            self.fail(f"found {value!r}, {error}", param, ctx)


class Hourly(click.ParamType[float]):
    """How often something happens, an hour."""

    name = "rate"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """From "0.05/h", "5%/h" or "1/d" to 0.05, 0.05 or 0.0417."""
        if isinstance(value, float):
            return value
        number, _, unit = value.partition("/")
        try:
            events = float(number.removesuffix("%")) / (100 if number.endswith("%") else 1)
        except ValueError:
            events = math.nan
        if not 0 <= events < math.inf or unit not in _A_WHILE:
            self.fail(f"found {value!r}, expected how often in which time, such as 0.05/h, 5%/h or 1/d", param, ctx)
        return events * _A_WHILE[unit]


@click.command(epilog=EPILOG)
@job_argument()
@click.option("--limit", type=click.IntRange(1), help="Only the first N items.", metavar="N")
@click.option("--on", type=click.Choice(["kubernetes"]), help="Foretell what it takes on a cluster.")
@click.option("--from", "run", type=whereabouts, metavar="RUN", help="The run to compute from; else the newest.")
@click.option("--deadline", type=Length(), metavar="TIME", help="Name the cheapest nodes that keep it, such as 2h.")
@click.option("--price", type=click.FloatRange(0), metavar="P", help="Of a CPU-hour: adds the cost.")
@click.option("--pod-start", type=Length(), metavar="TIME", help="What a pod takes to start; else as measured, or 20s.")
@click.option("--evictions", type=Hourly(), metavar="RATE", help="Of a pod, such as 0.05/h; else as measured, or none.")
@click.option("--items", type=click.IntRange(1), metavar="N", help="So many items, without looking at the input.")
@overrides_option
@json_option
def command(
    job: Path, limit: int | None, on: str | None, overrides: tuple[str, ...], as_json: bool, **asked: Any
) -> None:
    """Say what JOB would do without running it: items, bytes, splits, threads and the reason, what is written."""
    if on is None:
        given = [name for name, value in asked.items() if value is not None]
        if given:
            option = {"run": "from"}.get(given[0], given[0]).replace("_", "-")
            raise click.UsageError(f"--{option} is about a cluster: give it with --on kubernetes")
        job_file, spec = load(job, overrides)
        plan = explain(spec, job_file.parent, limit)
        print_json(plan) if as_json else print_plan(plan)
        return
    if limit is not None and asked["items"] is not None:
        raise click.UsageError("--limit takes the first items of the input, --items says how many there are: give one")
    from orchestrator.cli.forecasting import Question
    from orchestrator.cli.forecasting import command as foretell

    job_file, spec = load(job, overrides)
    foretell(job_file, spec, Question(limit=limit, **asked), as_json)
