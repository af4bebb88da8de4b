"""From the reports of a run to what it says of a job; pure.

Three kinds of run can be asked: one in a process, one of many shards, and one on a cluster of which only what its pods
left behind is known.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec import Struct, structs

from orchestrator.cluster.forecast.measured import Measured, Pods, density_of
from orchestrator.cluster.pods import PodEnd
from orchestrator.measure.costs import Costs
from orchestrator.measure.node import NodeReport
from orchestrator.report.summary import PodSummary, read_summary


def of_node(run: str, where: str, ended: float, node: NodeReport, units: int) -> Measured:
    """What a worker's report says; `units` is the length of the axis that it worked on."""
    host, costs = node.host, node.costs
    quota = host.affinity if host.quota is None else min(host.quota.cpus, host.affinity)
    return Measured(
        run=run,
        where=where,
        ended=ended,
        items=node.items,
        nbytes=node.nbytes,
        units=units,
        seconds=_working(node),
        setup=node.setup_seconds,
        threads=node.threads.threads,
        cpus=float(quota),
        cpu_model=host.cpu_model,
        scaling=node.scaling,
        costs=costs,
        density=() if costs is None else density_of(costs),
    )


def _working(node: NodeReport) -> float:
    """Seconds until a worker's threads ended, on average: the wait for the last of them is foretold by itself."""
    lanes = node.lanes[: node.threads.threads]
    if not lanes:
        return node.wall_seconds
    return min(node.wall_seconds, statistics.fmean(lane.wall_seconds for lane in lanes))


def of_nodes(run: str, where: str, ended: float, nodes: Sequence[tuple[NodeReport, int]]) -> Measured:
    """What the reports of some shards say together (at least one), each with the length of its stretch of the axis."""
    each = [of_node(run, where, ended, node, units) for node, units in nodes]
    whole = each[0]
    curves = [one.scaling for one in each if one.scaling is not None]
    prices = [one.seconds / one.units if one.units else 0.0 for one in each]
    return structs.replace(
        whole,
        items=sum(one.items for one in each),
        nbytes=sum(one.nbytes for one in each),
        units=sum(one.units for one in each),
        seconds=math.fsum(one.seconds for one in each),
        setup=statistics.median(one.setup for one in each),
        scaling=max(curves, key=lambda curve: len(curve.windows), default=None),
        costs=_joined([one.costs for one in each if one.costs is not None]),
        density=tuple(prices) if len(each) > 1 else whole.density,
        between=_scatter(prices),
        shards=len(each),
    )


def of_pods(run: str, where: str, ends: Iterable[PodEnd]) -> Measured | None:
    """What is known of a run from what its pods left behind; None where none of them ended well.

    Of several pods of a shard the last one counts; memory grows with the shards, not with what they left.
    """
    last: dict[int, _PodFacts] = {}
    evicted, lived = 0, 0.0
    for end in ends:
        if end.created is not None and end.finished is not None:
            evicted, lived = evicted + end.evicted, lived + max(0.0, end.finished - end.created)
        told = read_summary(end.message.encode())
        if told is not None and told.exit_code == 0 and told.wall_s and told.threads:
            last[end.shard] = _PodFacts.of(end, told)
    if not last:
        return None
    pods = [last[shard] for shard in sorted(last)]
    first = pods[0]
    prices = [pod.seconds / pod.items for pod in pods if pod.items]
    return Measured(
        run=run,
        where=where,
        ended=max(pod.finished or 0.0 for pod in pods),
        items=sum(pod.items for pod in pods),
        nbytes=sum(pod.nbytes for pod in pods),
        units=sum(pod.items for pod in pods),
        seconds=math.fsum(pod.seconds for pod in pods),
        setup=0.0,
        threads=first.threads,
        cpus=first.cpus,
        density=tuple(prices) if len(prices) > 1 else (),
        between=_scatter(prices),
        shards=len(pods),
        pods=None if (times := _pods(run, pods)) is None else structs.replace(times, evicted=evicted, lived=lived),
    )


class _PodFacts(Struct, frozen=True):
    """The few figures of a pod that are looked at."""

    items: int
    nbytes: int
    seconds: float
    threads: int
    cpus: float
    created: float | None
    started: float | None
    finished: float | None

    @classmethod
    def of(cls, end: PodEnd, told: PodSummary) -> _PodFacts:
        cpus = float(told.threads) if told.quota_cpus is None else told.quota_cpus
        moments = (end.created, end.started, end.finished)
        return cls(told.items, told.bytes, told.wall_s, told.threads, cpus, *moments)


def _pods(run: str, pods: Sequence[_PodFacts]) -> Pods | None:
    """What pods took to start, and beside their work; None where their times are not known."""
    timed = [
        (pod.started - pod.created, pod.finished - pod.started - pod.seconds)
        for pod in pods
        if pod.created is not None and pod.started is not None and pod.finished is not None
    ]
    if not timed:
        return None
    starts = [max(0.0, start) for start, _ in timed]
    deviation = statistics.stdev(starts) if len(starts) > 1 else 0.0
    outside = max(0.0, statistics.median(rest for _, rest in timed))
    return Pods(run, len(timed), statistics.fmean(starts), deviation, outside)


def _joined(costs: Sequence[Costs]) -> Costs | None:
    """The costs of all shards; the stretches of each are one."""
    if not costs:
        return None
    weights = [each.chunks for each in costs]
    variance = math.fsum(each.deviation**2 * weight for each, weight in zip(costs, weights, strict=True))
    return Costs(
        chunks=sum(weights),
        width=1,
        units=[sum(each.units) for each in costs],
        seconds=[math.fsum(each.seconds) for each in costs],
        deviation=math.sqrt(variance / sum(weights)),
        longest=max(each.longest for each in costs),
    )


def _scatter(prices: Sequence[float]) -> float:
    """How much neighbours differ over their mean: what is left when the slow change along the input is taken away."""
    if len(prices) < 2 or not any(prices):
        return 0.0
    steps = [(after - before) ** 2 for before, after in pairwise(prices)]
    return math.sqrt(math.fsum(steps) / len(steps) / 2) / statistics.fmean(prices)
