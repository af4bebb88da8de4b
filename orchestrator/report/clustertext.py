"""The report of a run on several nodes, as text for a terminal; pure."""

from collections.abc import Iterator, Sequence

from orchestrator.report.cluster import STRAGGLES, ClusterReport
from orchestrator.report.collapsetext import collapse_rows
from orchestrator.report.lines import Row, labelled
from orchestrator.report.losses import NAMES
from orchestrator.report.noderows import NodeRow
from orchestrator.report.podtimes import PodTimes
from orchestrator.report.shardrows import ShardRow
from orchestrator.report.words import count, cpu_hours, duration, number, share, size

_ROWS_SHOWN = 16
_STRAGGLERS_SHOWN = 5
_MEASURED = ("THREADS", "SPEEDUP", "EFF", "LOST", "RESTARTS", "EVICTED")
_SHARD_HEADS = ("SHARD", "WHERE", "STATE", "ITEMS", "FAILED", "TIME", "CPU", *_MEASURED)
_NODE_HEADS = ("NODE", "SHARDS", "ITEMS", "FAILED", "TIME", "CPU", "MEMORY", *_MEASURED)


def cluster_text(report: ClusterReport, width: int | None = None) -> str:
    """The report for a terminal, ended with a newline; wrapped to so many columns, None for no wrapping."""
    title = f"{report.run}: {count(len(report.rows), 'shard')} of {number(report.shards)} reported"
    table = [f"  {line}" for line in _aligned(shard_cells(shards_shown(report)))]
    return "\n".join([title, *_nodes(report), *table, *labelled(cluster_rows(report), width)]) + "\n"


def _nodes(report: ClusterReport) -> list[str]:
    """The nodes, where there are fewer than shards: otherwise the shards tell the same."""
    if not report.nodes or len(report.nodes) >= len(report.rows):
        return []
    busiest = sorted(report.nodes, key=lambda node: -node.wall_seconds)[:_ROWS_SHOWN]
    rows = sorted(busiest, key=lambda node: node.node)
    lines = [f"  {line}" for line in _aligned(node_cells(rows))]
    more = len(report.nodes) - len(rows)
    return [*lines, *([f"  and {number(more)} more (--json has them all)"] if more else []), ""]


def shards_shown(report: ClusterReport) -> list[ShardRow]:
    """All rows, or those that took longest where they are many."""
    if len(report.rows) <= _ROWS_SHOWN:
        return report.rows
    slowest = sorted(report.rows, key=lambda row: -row.wall_seconds)[:_ROWS_SHOWN]
    return sorted(slowest, key=lambda row: row.shard)


def shard_cells(rows: Sequence[ShardRow]) -> list[tuple[str, ...]]:
    """A table of shards, its head first, without the columns that nobody fills."""
    return _filled(_SHARD_HEADS, [_shard_cells(row) for row in rows])


def node_cells(rows: Sequence[NodeRow]) -> list[tuple[str, ...]]:
    """A table of nodes, likewise."""
    return _filled(_NODE_HEADS, [_node_cells(row) for row in rows])


def _filled(heads: Sequence[str], rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    used = [at for at in range(len(heads)) if any(row[at] for row in rows)]
    return [tuple(row[at] for at in used) for row in (heads, *rows)]


def _aligned(cells: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _shard_cells(row: ShardRow) -> tuple[str, ...]:
    return (
        str(row.shard),
        "/".join(filter(None, (row.node, row.pod))),
        row.state,
        number(row.items),
        number(row.failed) if row.failed else "",
        duration(row.wall_seconds),
        duration(row.cpu_seconds),
        *_measured(row),
    )


def _node_cells(row: NodeRow) -> tuple[str, ...]:
    return (
        row.node,
        number(row.shards),
        number(row.items),
        number(row.failed) if row.failed else "",
        duration(row.wall_seconds),
        duration(row.cpu_hours * 3600),
        size(row.peak_rss) if row.peak_rss else "",
        *_measured(row),
    )


def _measured(row: ShardRow | NodeRow) -> tuple[str, ...]:
    return (
        f"{row.threads}" + (f" of {row.quota:g} CPUs" if row.quota is not None else ""),
        "" if row.speedup is None else f"{row.speedup:.3g}",
        "" if row.efficiency is None else share(row.efficiency),
        "" if not row.cause or row.lost is None else f"{share(row.lost)} {_name(row.cause)}",
        number(row.restarts) if row.restarts else "",
        number(row.evictions) if row.evictions else "",
    )


def cluster_rows(report: ClusterReport) -> Iterator[Row]:
    """What the shards add up to, row by row."""
    if len(report.rows) > _ROWS_SHOWN:
        yield "", f"the {_ROWS_SHOWN} shards that took longest (--json has them all)"
    nbytes = f", {size(report.nbytes)}" if report.nbytes else ""
    yield "items", number(report.items) + nbytes + (f", {number(report.failed)} failed" if report.failed else "")
    yield "time", f"{duration(report.wall_seconds)} for the longest shard, {duration(report.median_seconds)} the median"
    if report.balance is not None:
        yield "balance", f"{share(report.balance)}: the mean of the shards' times over the longest"
    if report.stragglers:
        some = ", ".join(map(str, report.stragglers[:_STRAGGLERS_SHOWN]))
        more = ", …" if len(report.stragglers) > _STRAGGLERS_SHOWN else ""
        yield (
            "stragglers",
            f"{count(len(report.stragglers), 'shard')} over {STRAGGLES:g} times the median: {some}{more}",
        )
    yield "cpu", f"{cpu_hours(report.cpu_hours)} used of {cpu_hours(report.held_cpu_hours)} held"
    if report.pods is not None:
        yield from _pods(report.pods)
    if report.cost is not None and report.price is not None:
        what = "CPU-hours held while workers worked" if report.pods is None else "CPU-hours that pods held"
        yield "cost", f"{report.cost:.4g}: the {what}, at {report.price:g} each"
    for cause, lost in report.causes.items():
        yield "lost", f"{share(lost)} {_name(cause)}, where that was a shard's largest loss"
    if report.restarts:
        yield "restarts", f"{count(report.restarts, 'worker')} died or were replaced"
    if report.evictions:
        yield "evictions", f"{count(report.evictions, 'pod')} taken away by the cluster"
    if report.peak_rss:
        yield "memory", f"{size(report.peak_rss)} at most in a shard's worker"
    yield from collapse_rows(report.collapse, report.no_collapse)


def _pods(pods: PodTimes) -> Iterator[Row]:
    if pods.startup is not None and pods.longest is not None:
        placing = f", {duration(pods.placing)} of it until there was a node" if pods.placing else ""
        longest = f"{duration(pods.longest)} the longest ({pods.longest_pod})"
        yield "start-up", f"{duration(pods.startup)} the median from a pod's creation to running{placing}; {longest}"
    parts = [
        f"{cpu_hours(pods.working_cpu_hours)} at work",
        f"{cpu_hours(pods.starting_cpu_hours)} starting",
        f"{cpu_hours(pods.idle_cpu_hours)} idle",
    ]
    if pods.silent:
        parts.append(f"{cpu_hours(pods.silent_cpu_hours)} by {count(pods.silent, 'pod')} that left no summary")
    yield "held", f"{cpu_hours(pods.held_cpu_hours)} by {count(pods.pods, 'pod')}: {', '.join(parts)}"


def _name(cause: str) -> str:
    return NAMES.get(cause, cause)
