"""What one shard of a run did, as a row: from its worker's report, or from the summary that its pod left; pure."""

from msgspec import Struct

from orchestrator.measure.node import NodeReport
from orchestrator.report.collapse import held_cpus
from orchestrator.report.summary import PodSummary, scaled


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
        peak_rss: bytes of its worker at most; 0 where that is not known.
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
    peak_rss: int = 0


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
        held=held_cpus(node),
        speedup=speedup,
        efficiency=efficiency,
        cause="" if largest is None else largest.cause,
        lost=None if largest is None else largest.share,
        restarts=0 if summary is None else summary.restarts,
        evictions=evictions,
        peak_rss=node.peak_rss,
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
        peak_rss=summary.peak_rss,
    )
