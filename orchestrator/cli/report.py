"""`ftorch report`: a run's report, again."""

from pathlib import Path

import click
import msgspec

from orchestrator.cli.clusters import also_on_cluster
from orchestrator.cli.options import find_run, json_option, run_argument
from orchestrator.cli.show import print_json, print_report
from orchestrator.engine.runreport import RunReport
from orchestrator.errors import RunDamaged, RunNotFound
from orchestrator.run.folder import REPORT, read_manifest
from orchestrator.run.planner import find_index
from orchestrator.store.base import NotFound
from orchestrator.store.open import open_store

EPILOG = """\b
Examples:
  ftorch report jobs/hashing
  ftorch report s3://bucket/runs/hash-photos-20260101-020000-1a2b
  ftorch report --json | jq .nodes[0].lanes
  ftorch report --price 0.04 /shared/run              of a run of many shards: each of them, balance, CPU-hours, cost
"""


@click.command(epilog=EPILOG)
@run_argument
@click.option("--price", type=click.FloatRange(0), metavar="P", help="Of a CPU-hour: adds what a run of shards cost.")
@json_option
@also_on_cluster("there", "report")
def command(run: Path | str, price: float | None, as_json: bool) -> None:
    """Show the report of RUN: a run's folder, URL or name, or a job's folder for its newest run."""
    store = open_store(find_run(run))
    manifest = read_manifest(store)
    index = find_index(store)
    if index is not None and len(index.shards) > 2:
        from orchestrator.cli.shards import tell_shards

        tell_shards(store, manifest.id, len(index.shards) - 1, price, as_json)
        return
    try:
        report = msgspec.json.decode(store.get(REPORT), type=RunReport)
    except NotFound:
        raise RunNotFound(
            "the run has no report yet: it was not finished",
            where=store.url,
            hint=f"`ftorch status {store.url}` says how far it is; --resume goes on with it.",
        ) from None
    except msgspec.MsgspecError as error:
        raise RunDamaged(f"the report cannot be read: {error}", where=f"{store.url}/{REPORT}") from error
    print_json(report) if as_json else print_report(report)
