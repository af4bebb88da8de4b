"""`ftorch status`: how far a run is."""

import time
from pathlib import Path

import click

from orchestrator.cli.live import line
from orchestrator.cli.options import find_run, json_option, run_argument
from orchestrator.cli.progress import Odometer
from orchestrator.cli.show import print_json
from orchestrator.report.words import number, share, size
from orchestrator.run.folder import read_manifest
from orchestrator.run.status import RunStatus, read_status
from orchestrator.store.local import LocalStore

EPILOG = """\b
Examples:
  ftorch status                      the newest run of the jobs in this folder
  ftorch status .ftorch/runs/hash-photos-20260101-020000-1a2b --json
"""


@click.command(epilog=EPILOG)
@run_argument
@json_option
def command(run: Path | None, as_json: bool) -> None:
    """Say how far RUN is (the newest one in this folder, if none is named); works while it runs."""
    folder = find_run(run)
    store = LocalStore(folder)
    status = read_status(store, read_manifest(store))
    if as_json:
        print_json(status)
        return
    click.echo(status_line(status))
    if status.state == "running":
        pace = Odometer(folder / "shards" / "0" / "board").read(time.monotonic())
        if pace is not None:
            click.echo(f"  {line(pace)}")
    if status.state in ("interrupted", "planning", "complete"):
        click.echo(f"  go on with: ftorch submit --run {folder} --resume")


def status_line(status: RunStatus) -> str:
    """A run in one line."""
    total = "" if status.total_items is None else f" of {number(status.total_items)}"
    nbytes = f", {size(status.nbytes)}" if status.nbytes else ""
    failed = f", {number(status.failed)} failed" if status.failed else ""
    settled = f"{number(status.items)}{total} items{nbytes}{failed} ({share(status.fraction)})"
    return f"{status.run}  {status.state}  {settled}"
