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
from orchestrator.store.base import NotFound
from orchestrator.store.local import LocalStore

EPILOG = """\b
Examples:
  ftorch report jobs/hashing
  ftorch report --json | jq .nodes[0].lanes
"""


@click.command(epilog=EPILOG)
@run_argument
@json_option
@also_on_cluster("there", "report")
def command(run: Path, as_json: bool) -> None:
    """Show the report of RUN: a run's folder or name, or a job's folder for its newest run (by default this folder)."""
    store = LocalStore(find_run(run))
    read_manifest(store)
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
