"""A run on several nodes as a whole: what each gave, how even that was, and what it cost; pure.

A row is small, so that the reports of ten thousand shards can be read one after the other and forgotten.
"""

import statistics
from collections.abc import Iterable, Sequence

from msgspec import Struct

from orchestrator.measure.node import NodeReport
from orchestrator.report.summary import PodSummary, scaled

STRAGGLES = 1.5
"""A shard that took more than so many times the median is a straggler."""
_LEAST_SECONDS = 1.0
_HOUR = 3600.0


class ShardRow(Struct, frozen=True):
    """What the last sitting of one shard did.

    Attributes:
        shard, node, pod: which, and where; "" where that is not known.
        state, reason: how it ended, and why.
        items, failed, nbytes: of the shard, all sittings together.
        wall_seconds, cpu_seconds: of the last worker, and CPU seconds that it used.
        threads, quota: how many threads, and the CPUs of the quota (None without one).
        held: CPUs that the node held for it meanwhile: the quota, else as many as the affinity mask allows.
        speedup, efficiency: measured, else None.
        cause, lost: the costliest cause of lost capacity ("" for none), and its share.
        restarts: workers that died or were replaced.
        evictions: how often its pod was taken away; None where nobody watched.
    """

    shard: int
    node: str
    pod: str
    state: str
    reason: str
    items: int
    failed: int
    nbytes: int
    wall_seconds: float
    cpu_seconds: float
    threads: int
    quota: float | None
    held: float
    speedup: float | None
    efficiency: float | None
    cause: str
    lost: float | None
    restarts: int
    evictions: int | None = None


class ClusterReport(Struct, frozen=True):
    """A run on several nodes.

    Attributes:
        shards: how many it has; `rows` are those that have reported.
        wall_seconds: of the shard that took longest, median_seconds: of the one in the middle.
        balance: the mean of the shards' times over the longest (0 to 1); None below two shards, or a second.
        stragglers: the shards that took more than 1.5 times the median, the slowest first.
        cpu_hours: used, held_cpu_hours: the CPUs that were held, busy or not, while workers worked.
        cost: of the CPU-hours held; None without a price. Pods that start, idle nodes and storage are not in it.
        causes: the mean share of capacity lost to each cause, over the time of all shards.
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


def row_of(
    shard: int, node: NodeReport | None, summary: PodSummary | None, evictions: int | None = None
) -> ShardRow | None:
    """What is told of a shard by its worker's report and its pod's summary; None where there is neither."""
    if node is None:
        return None if summary is None else _row_of_summary(shard, summary, evictions)
    speedup, efficiency = scaled(node)
    findings = node.diagnosis.findings if node.diagnosis is not None else []
    largest = max(findings, key=lambda finding: finding.share, default=None)
    quota = None if node.host.quota is None else node.host.quota.cpus
    return ShardRow(
        shard=shard,
        node="" if summary is None else summary.node,
        pod=node.host.hostname if summary is None else summary.pod,
        state=node.state,
        reason=node.reason,
        items=node.items if summary is None else summary.items,
        failed=node.failed if summary is None else summary.failed,
        nbytes=node.nbytes if summary is None else summary.bytes,
        wall_seconds=node.wall_seconds,
        cpu_seconds=node.user_seconds + node.system_seconds,
        threads=node.threads.threads,
        quota=quota,
        held=float(node.host.affinity) if quota is None else min(quota, node.host.affinity),
        speedup=speedup,
        efficiency=efficiency,
        cause="" if largest is None else largest.cause,
        lost=None if largest is None else largest.share,
        restarts=0 if summary is None else summary.restarts,
        evictions=evictions,
    )


def _row_of_summary(shard: int, summary: PodSummary, evictions: int | None) -> ShardRow:
    states = {0: "done", 1: "failed", 75: "interrupted"}
    return ShardRow(
        shard=shard,
        node=summary.node,
        pod=summary.pod,
        state=states.get(summary.exit_code, f"exit {summary.exit_code}"),
        reason=summary.message,
        items=summary.items,
        failed=summary.failed,
        nbytes=summary.bytes,
        wall_seconds=summary.wall_s,
        cpu_seconds=summary.cpu_s,
        threads=summary.threads,
        quota=summary.quota_cpus,
        held=float(summary.threads) if summary.quota_cpus is None else summary.quota_cpus,
        speedup=summary.speedup,
        efficiency=summary.efficiency,
        cause=summary.cause,
        lost=summary.lost,
        restarts=summary.restarts,
        evictions=evictions,
    )


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
    held = sum(row.held * row.wall_seconds for row in told) / _HOUR
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
        causes=_causes(told),
    )


def _causes(rows: Sequence[ShardRow]) -> dict[str, float]:
    """The share of all shards' time that was lost to each cause, the costliest first."""
    total = sum(row.held * row.wall_seconds for row in rows)
    lost: dict[str, float] = {}
    for row in rows:
        if row.cause and row.lost is not None and total:
            lost[row.cause] = lost.get(row.cause, 0.0) + row.lost * row.held * row.wall_seconds / total
    return dict(sorted(lost.items(), key=lambda pair: -pair[1]))
