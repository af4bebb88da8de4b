"""A run on several nodes as a whole: what each gave, how even that was, and what it cost; pure.

A row is small, so that the reports of ten thousand shards can be read one after the other and forgotten.
"""

import statistics
from collections.abc import Iterable, Mapping

from msgspec import Struct, structs

from orchestrator.report.collapse import Collapse, Work, collapse
from orchestrator.report.comparisons import Compared
from orchestrator.report.noderows import NodeRow, causes, held_seconds, node_rows
from orchestrator.report.podtimes import PodTime, PodTimes, pod_times
from orchestrator.report.shardrows import ShardRow

STRAGGLES = 1.5
"""A shard that took more than so many times the median is a straggler."""
_LEAST_SECONDS = 1.0
_HOUR = 3600.0


class ClusterReport(Struct, frozen=True):
    """A run on several nodes.

    Attributes:
        shards: how many it has; `rows` are those that have reported.
        wall_seconds: of the shard that took longest, median_seconds: of the one in the middle.
        balance: the mean of the shards' times over the longest (0 to 1); None below two shards, or a second.
        stragglers: the shards that took more than 1.5 times the median, the slowest first.
        cpu_hours: used, held_cpu_hours: the CPUs that were held, busy or not, while workers worked.
        cost: of the CPU-hours held, by pods that start or idle, too, where `pods` tells; None without a price. Idle
            nodes and storage are not in it.
        causes: the mean share of capacity lost to each cause, over the time of all shards.
        nodes: the shards by node; empty where no shard knows its node.
        pods: how long pods took to start, and what they held; None where nobody watched them.
        peak_rss: bytes of a worker at most; 0 where nobody told.
        collapse: what the same work would take as a fleet, computed; None with `no_collapse`, why not.
    """

    run: str
    shards: int
    rows: list[ShardRow]
    items: int
    failed: int
    nbytes: int
    wall_seconds: float
    median_seconds: float
    balance: float | None
    stragglers: list[int]
    cpu_hours: float
    held_cpu_hours: float
    price: float | None
    cost: float | None
    restarts: int
    evictions: int | None
    causes: dict[str, float]
    nodes: list[NodeRow] = []
    pods: PodTimes | None = None
    peak_rss: int = 0
    collapse: Collapse | None = None
    no_collapse: str = ""


def cluster_report(run: str, shards: int, rows: Iterable[ShardRow], price: float | None = None) -> ClusterReport:
    """What rows add up to.

    Args:
        run: the run's name.
        shards: how many shards it has.
        rows: those of the shards that have reported.
        price: of a CPU-hour.
    """
    told = sorted(rows, key=lambda row: row.shard)
    walls = [row.wall_seconds for row in told]
    longest, median = max(walls, default=0.0), statistics.median(walls) if walls else 0.0
    judged = len(told) > 1 and longest >= _LEAST_SECONDS
    slow = [row for row in told if judged and row.wall_seconds > STRAGGLES * median]
    held = held_seconds(told) / _HOUR
    evictions = [row.evictions for row in told if row.evictions is not None]
    return ClusterReport(
        run=run,
        shards=shards,
        rows=told,
        items=sum(row.items for row in told),
        failed=sum(row.failed for row in told),
        nbytes=sum(row.nbytes for row in told),
        wall_seconds=longest,
        median_seconds=median,
        balance=statistics.fmean(walls) / longest if judged else None,
        stragglers=[row.shard for row in sorted(slow, key=lambda row: -row.wall_seconds)],
        cpu_hours=sum(row.cpu_seconds for row in told) / _HOUR,
        held_cpu_hours=held,
        price=price,
        cost=None if price is None else held * price,
        restarts=sum(row.restarts for row in told),
        evictions=sum(evictions) if evictions else None,
        causes=causes(told),
        nodes=node_rows(told),
        peak_rss=max((row.peak_rss for row in told), default=0),
    )


def with_pods(report: ClusterReport, pods: Iterable[PodTime], evicted: Mapping[str, int]) -> ClusterReport:
    """The report with what the cluster told of its pods: how long they took to start, what they held, and evictions.

    Args:
        report: of the shards.
        pods: those that ended.
        evicted: pods that were taken away, by node; "" where none is known.
    """
    times = pod_times(pods)
    held = report.held_cpu_hours if times is None else times.held_cpu_hours
    return structs.replace(
        report,
        pods=times,
        nodes=node_rows(report.rows, evicted),
        evictions=sum(evicted.values()),
        cost=None if report.price is None else held * report.price,
    )


def with_collapse(report: ClusterReport, nodes: int, compared: Compared | None, why: str) -> ClusterReport:
    """The report with what the same work would take as a fleet.

    Args:
        report: of the shards.
        nodes: at work at a time.
        compared: the comparison to compute it from; None where there is none.
        why: what is told in its place then.
    """
    if not report.rows:
        return report
    if compared is None:
        return structs.replace(report, no_collapse=why)
    work = Work(
        cpu_hours=report.cpu_hours,
        held_cpu_hours=report.held_cpu_hours,
        nodes=min(nodes, report.shards),
        threads=max(row.threads for row in report.rows),
        peak_rss=report.peak_rss,
        price=report.price,
    )
    found = collapse(work, compared)
    if isinstance(found, str):
        return structs.replace(report, no_collapse=f"not computed: {found}")
    return structs.replace(report, collapse=found)
