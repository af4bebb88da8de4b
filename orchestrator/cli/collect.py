"""`ftorch collect`: put a run's output together again."""

from pathlib import Path

import click

from orchestrator.cli.clusters import also_on_cluster
from orchestrator.cli.options import find_run, json_option, run_argument
from orchestrator.cli.show import print_json
from orchestrator.cli.streams import say
from orchestrator.engine.many import collect
from orchestrator.report.words import count, size

EPILOG = """\b
Examples:
  ftorch collect                                      the newest run of this folder
  ftorch collect hash-photos-20260101-020000-1a2b
"""


@click.command(epilog=EPILOG)
@run_argument
@json_option
@also_on_cluster("there", "collect")
def command(run: Path | str, as_json: bool) -> None:
    """Put the output of RUN together from its parts, checking each one; the run must be complete.

    RUN is a run's folder, URL or name, or a job's folder for its newest run.
    """
    output = collect(find_run(run))
    if as_json:
        print_json(output)
    elif output is None:
        say("the job has no output")
    else:
        say(f"{output.path} ({size(output.bytes)}, {count(output.files, 'file')})")
