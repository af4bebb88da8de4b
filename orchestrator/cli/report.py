"""`ftorch report`: a run's report, again."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from orchestrator.cli.clusters import also_on_cluster
from orchestrator.cli.collapsing import compare_option, comparison_for
from orchestrator.cli.options import find_run, json_option, run_argument
from orchestrator.cli.pages import html_option, write_page
from orchestrator.cli.show import print_json, print_report
from orchestrator.cli.streams import say, width_of
from orchestrator.engine.runreport import RunReport
from orchestrator.errors import RunDamaged, RunNotFound
from orchestrator.report.cluster import cluster_report, with_collapse
from orchestrator.report.collapse import Collapse, Work, collapse, work_of
from orchestrator.report.collapsetext import collapse_rows
from orchestrator.report.lines import Row, labelled
from orchestrator.report.words import cpu_hours
from orchestrator.run.commands import quoted
from orchestrator.run.folder import REPORT, read_manifest
from orchestrator.run.planner import find_index
from orchestrator.store.base import NotFound, Store
from orchestrator.store.open import open_store

EPILOG = """\b
Examples:
  ftorch report jobs/hashing
  ftorch report s3://bucket/runs/hash-photos-20260101-020000-1a2b
  ftorch report --json | jq .nodes[0].lanes
  ftorch report --price 0.04 /shared/run              of a run of many shards: each of them, balance, CPU-hours, cost
  ftorch report --html photos.html RUN                as a page: one file, nothing to load
  ftorch report --compare c.json RUN                  and what a fleet would take: ftorch compare JOB --json > c.json
"""


@click.command(epilog=EPILOG)
@run_argument
@click.option("--price", type=click.FloatRange(0), metavar="P", help="Of a CPU-hour: adds what the run cost.")
@compare_option
@html_option
@json_option
@also_on_cluster("there", "report")
def command(run: Path | str, price: float | None, compare: Path | None, html: Path | None, as_json: bool) -> None:
    """Show the report of RUN: a run's folder, URL or name, or a job's folder for its newest run."""
    if html is not None and as_json:
        raise click.UsageError("--html and --json are two forms of one report: give one of them")
    store = open_store(find_run(run))
    manifest = read_manifest(store)
    base = Path(manifest.job_file).parent
    compared, why = comparison_for(base, manifest.spec.name, compare)
    index = find_index(store)
    if index is not None and len(index.shards) > 2:
        from orchestrator.cli.shards import page_of_shards, shard_rows, tell_shards

        shards = len(index.shards) - 1
        cluster = cluster_report(manifest.id, shards, shard_rows(store, shards), price)
        cluster = with_collapse(cluster, manifest.spec.kubernetes.nodes, compared, why)
        tell_shards(store, cluster, as_json) if html is None else write_page(html, page_of_shards(store, cluster))
        return
    report = _report(store)
    work = work_of(report.nodes, price)
    found = None if compared is None else collapse(work, compared)
    if html is not None:
        from orchestrator.report.page.run import run_page

        write_page(html, run_page(report, _more_rows(work, found)))
        return
    _tell(report, work, found, as_json)


def _report(store: Store) -> RunReport:
    try:
        return msgspec.json.decode(store.get(REPORT), type=RunReport)
    except NotFound:
        raise RunNotFound(
            "the run has no report yet: it was not finished",
            where=store.url,
            hint=f"`ftorch status {quoted(store.url)}` says how far it is; --resume goes on with it.",
        ) from None
    except msgspec.MsgspecError as error:
        raise RunDamaged(f"the report cannot be read: {error}", where=f"{store.url}/{REPORT}") from error


def _tell(report: RunReport, work: Work, found: Collapse | str | None, as_json: bool) -> None:
    """Show the report of a run on one machine, and what was asked beyond it: its cost, and its work as a fleet."""
    if not as_json:
        print_report(report)
        for line in labelled(_more_rows(work, found), width_of(sys.stdout)):
            say(line)
        return
    cost = {} if work.price is None else {"price": work.price, "cost": work.held_cpu_hours * work.price}
    told, why = (None, "") if found is None else _split(found)
    more = cost | ({} if found is None else {"collapse": told, "no_collapse": why})
    print_json({**msgspec.to_builtins(report), **more} if more else report)


def _more_rows(work: Work, found: Collapse | str | None) -> list[Row]:
    return [*_cost(work), *(collapse_rows(*_split(found)) if found else ())]


def _cost(work: Work) -> Iterator[Row]:
    if work.price is not None:
        held = f"{cpu_hours(work.held_cpu_hours)} held while its workers worked, at {work.price:g} an hour"
        yield "cost", f"{work.held_cpu_hours * work.price:.4g}: {held}"


def _split(found: Collapse | str) -> tuple[Collapse | None, str]:
    return (None, f"not computed: {found}") if isinstance(found, str) else (found, "")
