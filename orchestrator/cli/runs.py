"""`ftorch runs`: the runs of the jobs in a folder."""

from pathlib import Path

import click

from orchestrator.cli.options import json_option
from orchestrator.cli.show import print_json
from orchestrator.cli.status import status_line
from orchestrator.run.folder import list_runs, runs_folder
from orchestrator.run.status import read_status

EPILOG = """\b
Examples:
  ftorch runs
  ftorch runs jobs/hashing --json
"""


@click.command(epilog=EPILOG)
@click.argument("folder", type=click.Path(path_type=Path), default=".")
@json_option
def command(folder: Path, as_json: bool) -> None:
    """List the runs of the jobs in FOLDER (this folder, if none is named), the oldest first."""
    base = folder.parent if folder.is_file() else folder
    found = [read_status(store, manifest) for store, manifest in list_runs(base)]
    if as_json:
        print_json(found)
        return
    for status in found:
        click.echo(status_line(status))
    if not found:
        click.echo(f"no runs below {runs_folder(base)}")
