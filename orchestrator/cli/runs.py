"""`ftorch runs`: the runs of the jobs in a folder."""

import time
from pathlib import Path

import click
from msgspec import Struct

from orchestrator.cli.clusters import also_on_cluster
from orchestrator.cli.options import json_option
from orchestrator.cli.show import print_json
from orchestrator.cli.status import settled
from orchestrator.cli.streams import say
from orchestrator.errors import FtorchError, RunNotFound
from orchestrator.report.words import number, share
from orchestrator.run.folder import Manifest, list_runs, list_runs_below, runs_folder
from orchestrator.run.status import RunStatus, read_status
from orchestrator.store.base import Store
from orchestrator.store.open import whereabouts

EPILOG = """\b
Examples:
  ftorch runs
  ftorch runs s3://bucket/runs
  ftorch runs jobs/hashing --json | jq -r '.[] | select(.state == "interrupted").folder'
"""

_HEADS = ("RUN", "STATE", "STARTED", "DONE", "FAILED", "ITEMS")


class Unreadable(Struct, frozen=True):
    """A run whose files cannot be read, in the place of its status."""

    run: str
    folder: str
    created: float
    problem: str
    state: str = "damaged"


@click.command(epilog=EPILOG)
@click.argument("folder", type=whereabouts, default=".")
@json_option
@also_on_cluster("there", "runs")
def command(folder: Path | str, as_json: bool) -> None:
    """List the runs of the jobs in FOLDER (this folder, if none is named), or below a URL, the oldest first."""
    if isinstance(folder, str):
        _tell([status_of(store, manifest) for store, manifest in list_runs_below(folder)], folder, as_json)
        return
    if not folder.exists():
        raise RunNotFound("there is no such folder", where=str(folder))
    base = folder.parent if folder.is_file() else folder
    found = [status_of(store, manifest) for store, manifest in list_runs(base)]
    _tell(found, str(runs_folder(base)), as_json)


def _tell(found: list[RunStatus | Unreadable], where: str, as_json: bool) -> None:
    if as_json:
        print_json(found)
    elif found:
        say("\n".join(_table([_HEADS, *map(_cells, found)])))
    else:
        say(f"no runs below {where}")


def status_of(store: Store, manifest: Manifest) -> RunStatus | Unreadable:
    """How far a run is, or why that cannot be read."""
    try:
        return read_status(store, manifest)
    except FtorchError as error:
        return Unreadable(manifest.id, store.url, manifest.created, str(error))


def _cells(status: RunStatus | Unreadable) -> tuple[str, ...]:
    started = time.strftime("%Y-%m-%d %H:%M", time.localtime(status.created))
    if isinstance(status, Unreadable):
        return (status.run, status.state, started, "", "", status.problem.splitlines()[0])
    return (status.run, status.state, started, share(status.fraction), number(status.failed), settled(status))


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
