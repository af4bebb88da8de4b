"""`ftorch compare`: a job's items on our threads, and on what people use today, side by side."""

from pathlib import Path

import click

from orchestrator.cli.options import job_argument, json_option, load, overrides_option

NAMES = ("threads", "processes", "interpreters", "redis")

EPILOG = """\b
Examples:
  ftorch compare job.yaml
  ftorch compare job.yaml --only threads,redis --price 0.04
  ftorch compare job.yaml --python /usr/bin/python3 --sample 2000
  ftorch compare job.yaml --limit 500 --repeats 5 --json
"""


@click.command(epilog=EPILOG)
@job_argument()
@click.option("--only", metavar="NAMES", help=f"Some of {', '.join(NAMES)}, with commas between.")
@click.option("--python", metavar="PATH", help="Also run the task on this other Python's multiprocessing pool.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="The first N items.")
@click.option("--sample", type=click.IntRange(1), metavar="N", help="About N items, spread over the input.")
@click.option("--repeats", type=click.IntRange(1, 1000), default=3, show_default=True, metavar="N", help="Rounds.")
@click.option("--price", type=click.FloatRange(0), metavar="P", help="Of a CPU-hour: adds the cost of a million items.")
@overrides_option
@json_option
def command(
    job: Path,
    only: str | None,
    python: str | None,
    limit: int | None,
    sample: int | None,
    repeats: int,
    price: float | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> int:
    """Run the items of JOB on ftorch's threads, on processes, interpreters and a Redis fleet, and say what each costs.

    Nothing of the job is written: its results are compared and thrown away; the figures are kept in .ftorch/compare
    beside the job file, for the reports of its runs. Without --limit or --sample as many items
    are taken, spread over the input, as a few seconds need.
    """
    if limit and sample:
        raise click.UsageError("--limit takes the first items, --sample spread ones: give one of them")
    names = _names(only) + (["python"] if python else [])
    from orchestrator.cli.comparing import keep, open_teller, print_comparison
    from orchestrator.compare.results import nothing_compared
    from orchestrator.compare.tournament import Asked, Tournament
    from orchestrator.errors import DONE, RESUMABLE

    job_file, spec = load(job, overrides)
    asked = Asked(names, python, limit, sample, repeats, price)
    teller = open_teller()
    try:
        found = Tournament(spec, job_file.parent, asked, teller).run()
    finally:
        teller.ended()
    print_comparison(found, as_json)
    nothing = nothing_compared(found)
    if nothing is not None:
        raise nothing
    if found.state == "done":
        keep(job_file.parent, found)
    return DONE if found.state == "done" else RESUMABLE


def _names(only: str | None) -> list[str]:
    if only is None:
        return list(NAMES)
    names = [name.strip() for name in only.split(",") if name.strip()]
    for name in names:
        if name not in NAMES:
            hint = " (that is --python PATH)" if name == "python" else ""
            raise click.UsageError(f"--only: there is no {name!r}{hint}; there are {', '.join(NAMES)}")
    if not names:
        raise click.UsageError(f"--only names nobody; there are {', '.join(NAMES)}")
    return names
