"""A run's shards by the node that they ran on; pure."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from orchestrator.report.shardrows import ShardRow

_HOUR = 3600.0


class NodeRow(Struct, frozen=True):
    """What one node did.

    Attributes:
        node: which.
        shards, items, failed: of the shards whose last sitting was there.
        wall_seconds: of their workers, all together; cpu_hours: used, held_cpu_hours: held meanwhile.
        threads, quota: the most that a worker had.
        speedup, efficiency: the median of those measured; None where none was.
        cause, lost: the costliest cause of lost capacity ("" for none), and its share of the node's time.
        restarts: workers that died or were replaced.
        evictions: pods that were taken away from this node; None where nobody watched.
        peak_rss: bytes of a worker at most; 0 where nobody told.
    """

    node: str
    shards: int
    items: int
    failed: int
    wall_seconds: float
    cpu_hours: float
    held_cpu_hours: float
    threads: int
    quota: float | None
    speedup: float | None
    efficiency: float | None
    cause: str
    lost: float | None
    restarts: int
    evictions: int | None
    peak_rss: int


def node_rows(rows: Iterable[ShardRow], evicted: Mapping[str, int] | None = None) -> list[NodeRow]:
    """A row for each node, by name; none where no shard knows its node.

    Args:
        rows: the shards'.
        evicted: pods taken away, by node; None where nobody watched.
    """
    by_node: dict[str, list[ShardRow]] = {node: [] for node in evicted or ()}
    for row in rows:
        by_node.setdefault(row.node, []).append(row)
    named = {node: found for node, found in by_node.items() if node}
    return [_row(node, named[node], None if evicted is None else evicted.get(node, 0)) for node in sorted(named)]


def _row(node: str, rows: Sequence[ShardRow], evictions: int | None) -> NodeRow:
    cause, lost = largest_cause(rows)
    quotas = [row.quota for row in rows if row.quota is not None]
    return NodeRow(
        node=node,
        shards=len(rows),
        items=sum(row.items for row in rows),
        failed=sum(row.failed for row in rows),
        wall_seconds=sum(row.wall_seconds for row in rows),
        cpu_hours=sum(row.cpu_seconds for row in rows) / _HOUR,
        held_cpu_hours=held_seconds(rows) / _HOUR,
        threads=max((row.threads for row in rows), default=0),
        quota=max(quotas, default=None),
        speedup=_median([row.speedup for row in rows]),
        efficiency=_median([row.efficiency for row in rows]),
        cause=cause,
        lost=lost,
        restarts=sum(row.restarts for row in rows),
        evictions=evictions,
        peak_rss=max((row.peak_rss for row in rows), default=0),
    )


def held_seconds(rows: Iterable[ShardRow]) -> float:
    """CPU seconds that were held while workers worked."""
    return sum(row.held * row.wall_seconds for row in rows)


def causes(rows: Sequence[ShardRow]) -> dict[str, float]:
    """The share of all shards' time that was lost to each one's largest cause, the costliest first."""
    total = held_seconds(rows)
    lost: dict[str, float] = {}
    for row in rows:
        if row.cause and row.lost is not None and total:
            lost[row.cause] = lost.get(row.cause, 0.0) + row.lost * row.held * row.wall_seconds / total
    return dict(sorted(lost.items(), key=lambda pair: -pair[1]))


def largest_cause(rows: Sequence[ShardRow]) -> tuple[str, float | None]:
    """The costliest cause, and its share; "" and None where there is none."""
    return next(iter(causes(rows).items()), ("", None))


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
