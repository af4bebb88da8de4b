"""`ftorch status`: how far a run is."""

import sys
import time
from pathlib import Path

import click
import msgspec
from msgspec import Struct

from orchestrator.cli.clusters import also_on_cluster
from orchestrator.cli.options import find_run, json_option, run_argument
from orchestrator.cli.show import print_json
from orchestrator.cli.streams import say, width_of
from orchestrator.report.lines import Row, Verbatim, labelled
from orchestrator.report.progress import Odometer, Pace, pace_line
from orchestrator.report.words import count, number, share, size
from orchestrator.run.commands import resume_command, retry_command
from orchestrator.run.folder import read_manifest
from orchestrator.run.scratch import scratch_of
from orchestrator.run.status import RunStatus, read_status
from orchestrator.store.base import Store
from orchestrator.store.open import open_store

EPILOG = """\b
Examples:
  ftorch status                                       the newest run of the jobs in this folder
  ftorch status jobs/hashing                          the newest one of another folder
  ftorch status hash-photos-20260101-020000-1a2b      a run of this folder by its name
  watch ftorch status                                 while it runs
"""

_GO_ON = ("interrupted", "planning", "complete")


class LiveFigures(Struct, frozen=True):
    """What the status board of a running run says now; the rates are averages since its worker started."""

    items: int
    bytes: int
    failed: int
    busy: int
    threads: int
    items_per_second: float
    bytes_per_second: float
    seconds_left: float | None


@click.command(epilog=EPILOG)
@run_argument
@json_option
@also_on_cluster("there", "status")
def command(run: Path | str, as_json: bool) -> None:
    """Say how far RUN is, also while it runs. RUN is a run's folder, URL or name, or a job's folder for its newest."""
    folder = find_run(run)
    store = open_store(folder)
    status = read_status(store, read_manifest(store))
    pace = _pace(status, folder) if status.shards == 1 else _pace_of_shards(store, status)
    if as_json:
        print_json({**msgspec.to_builtins(status), "live": None if pace is None else _figures(pace)})
        return
    lines = [f"{status.run}: {status.state}", *labelled(_rows(status, folder), width_of(sys.stdout))]
    say("\n".join(lines))
    if pace is not None:
        say(f"  {pace_line(pace, width_of(sys.stdout))}")


def _pace(status: RunStatus, folder: Path | str) -> Pace | None:
    if status.state != "running" or status.owner is None:
        return None
    now = time.monotonic()
    start = now - max(0.0, time.time() - status.owner.since)
    return Odometer(scratch_of(folder) / "shards" / "0" / "board", start).read(now)


def _pace_of_shards(store: Store, status: RunStatus) -> Pace | None:
    from orchestrator.cli.shards import pace_here

    return pace_here(store, status)


def _figures(pace: Pace) -> LiveFigures:
    picture = pace.picture
    return LiveFigures(
        items=picture.items,
        bytes=picture.nbytes,
        failed=picture.failed,
        busy=picture.busy,
        threads=picture.target,
        items_per_second=round(pace.items_per_second, 3),
        bytes_per_second=round(pace.bytes_per_second, 3),
        seconds_left=None if pace.seconds_left is None else round(pace.seconds_left, 1),
    )


def _rows(status: RunStatus, folder: Path | str) -> list[Row]:
    rows = [("committed", f"{settled(status)} ({share(status.fraction)})")]
    if status.shards > 1:
        rows.append(("shards", f"{number(status.settled_shards)} of {number(status.shards)} settled"))
    if status.failed:
        rows.append(("failed", number(status.failed)))
    if status.state in _GO_ON:
        rows.append(("next", Verbatim(resume_command(folder))))
    elif status.state == "failed":
        rows.append(("next", Verbatim(retry_command(folder))))
    return rows


def settled(status: RunStatus) -> str:
    """What is done for good: items, of how many, and bytes."""
    if status.total_items in (None, status.items):
        items = count(status.items, "item")
    else:
        items = f"{number(status.items)} of {count(status.total_items or 0, 'item')}"
    return items + (f", {size(status.nbytes)}" if status.nbytes else "")
