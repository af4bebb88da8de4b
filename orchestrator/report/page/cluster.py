"""The report of a run on several nodes as a page; pure."""

from collections.abc import Iterator

from orchestrator.report.cluster import ClusterReport
from orchestrator.report.clustertext import cluster_rows, node_cells, shard_cells, shards_shown
from orchestrator.report.losses import NAMES
from orchestrator.report.page.bars import Bar, bars
from orchestrator.report.page.document import Figure, cells_table, figures, page, rows_table, section
from orchestrator.report.page.markup import Markup, element
from orchestrator.report.words import duration, number, share

_MOST_BARS = 64
_MOST_NODES = 256


def cluster_page(report: ClusterReport, state: str) -> str:
    """The report as one HTML document.

    Args:
        report: of the shards.
        state: how the run is, in words.
    """
    told = f"{state}; {number(len(report.rows))} of {number(report.shards)} shards reported"
    bad = report.failed > 0 or len(report.rows) < report.shards
    parts: list[str] = [
        element("h1", report.run),
        element("p", told, class_="state bad" if bad else "state"),
        figures(list(_figures(report))),
        section("How even it was", *_times(report)),
        section("What was lost", *_lost(report)),
    ]
    if report.nodes:
        parts.append(section("Nodes", cells_table(node_cells(report.nodes[:_MOST_NODES]))))
    if report.rows:
        parts.append(section("Shards", cells_table(shard_cells(shards_shown(report)))))
    parts.append(section("All of it", rows_table(cluster_rows(report))))
    return page(f"{report.run}: {state}", parts)


def _figures(report: ClusterReport) -> Iterator[Figure]:
    yield number(report.items), "items"
    if report.failed:
        yield number(report.failed), "failed"
    yield duration(report.wall_seconds), "the longest shard"
    if report.balance is not None:
        yield share(report.balance), "balance"
    yield duration(3600 * report.cpu_hours), "CPU time used"
    if report.cost is not None:
        yield f"{report.cost:.4g}", "cost"
    if report.nodes:
        yield number(len(report.nodes)), "nodes"


def _times(report: ClusterReport) -> Iterator[Markup]:
    slowest = sorted(report.rows, key=lambda row: -row.wall_seconds)[:_MOST_BARS]
    longest = max((row.wall_seconds for row in slowest), default=0.0)
    if not longest:
        return
    late = set(report.stragglers)
    yield bars(
        [
            Bar(
                " ".join(filter(None, (f"shard {row.shard}", row.node))),
                row.wall_seconds / longest,
                duration(row.wall_seconds),
                marked=row.shard in late,
            )
            for row in slowest
        ]
    )
    more = f"; the {_MOST_BARS} longest of {number(len(report.rows))}" if len(report.rows) > _MOST_BARS else ""
    yield element("p", f"How long each shard's worker took, stragglers marked{more}.", class_="key")


def _lost(report: ClusterReport) -> Iterator[Markup]:
    if report.causes:
        yield bars(
            [Bar(NAMES.get(cause, cause), lost, share(lost), marked=True) for cause, lost in report.causes.items()]
        )
        yield element("p", "Of all shards' time, by each shard's largest cause.", class_="key")
