"""What a run on a cluster has come to, from what its pods left behind; pure."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, structs

from orchestrator.cluster.watching import JobWatch, PodEnd, Shard, Tally, Verdict
from orchestrator.report.cluster import ClusterReport, cluster_report, with_collapse, with_pods
from orchestrator.report.clustertext import cluster_text
from orchestrator.report.comparisons import Compared
from orchestrator.report.lines import Row, labelled
from orchestrator.report.podtimes import PodTime
from orchestrator.report.shardrows import ShardRow, row_of
from orchestrator.report.summary import PodSummary, read_summary
from orchestrator.report.words import number

_SHOWN = 20
_NOT_WELL = frozenset({"failed", "retrying", "evicted", "pending"})


class Outcome(Struct, frozen=True):
    """A run on a cluster.

    Attributes:
        run: its name.
        verdict: how it is.
        tally: its shards by state.
        report: of all shards whose pods left a summary.
        troubles: the shards that are not well, or ended the Job, with their newest pod's own words.
        pods: all that ended, with their termination messages.
    """

    run: str
    verdict: Verdict
    tally: Tally
    report: ClusterReport
    troubles: list[tuple[Shard, str]]
    pods: list[PodEnd]


def outcome(run: str, watch: JobWatch, ends: list[PodEnd], price: float | None = None) -> Outcome:
    """What a run has come to.

    Args:
        run: its name.
        watch: the Job as it was last seen.
        ends: the pods that ended, in the order in which they did.
        price: of a CPU-hour.
    """
    evictions = Counter(end.shard for end in ends if end.evicted)
    last = {end.shard: (end, told) for end in ends if (told := read_summary(end.message.encode())) is not None}
    rows = [_row(end, told, evictions[shard]) for shard, (end, told) in last.items()]
    report = with_pods(cluster_report(run, watch.total, rows, price), _times(ends), _evicted(ends))
    bad = [shard for shard in watch.shards() if _is_bad(shard)]
    words = {end.shard: end.message for end in ends} | {shard: told.message for shard, (_, told) in last.items()}
    return Outcome(
        run,
        watch.verdict(),
        watch.tally(),
        report,
        troubles=[(shard, words.get(shard.index, "")) for shard in bad],
        pods=ends,
    )


def held_against(found: Outcome, nodes: int, compared: Compared | None, why: str) -> Outcome:
    """A run beside a fleet (:func:`orchestrator.report.cluster.with_collapse`)."""
    return structs.replace(found, report=with_collapse(found.report, nodes, compared, why))


def outcome_text(found: Outcome, width: int | None) -> str:
    """A run for a terminal of so many columns; None for no wrapping."""
    lines = [f"{found.run}: {found.verdict.state}", *labelled(_rows(found), width)]
    if found.report.rows:
        lines += ["", cluster_text(found.report, width).rstrip("\n")]
    return "\n".join(lines)


def plain(found: Outcome) -> dict[str, Any]:
    """The same for JSON, each pod's summary as what it is."""
    values: dict[str, Any] = msgspec.to_builtins(found)
    values["troubles"] = [{**msgspec.to_builtins(shard), "message": words} for shard, words in found.troubles]
    for pod in values["pods"]:
        pod["summary"] = _json(pod.pop("message"))
    return values


def _is_bad(shard: Shard) -> bool:
    return shard.state in _NOT_WELL or (shard.state == "stopped" and bool(shard.exit_code))


def _row(end: PodEnd, told: PodSummary, evictions: int) -> ShardRow:
    row = row_of(end.shard, None, told, evictions or None)
    assert row is not None
    return structs.replace(row, node=row.node or end.node or "", pod=row.pod or end.pod)


def _times(ends: list[PodEnd]) -> Iterator[PodTime]:
    """When each pod was made, placed, started and over."""
    for end in ends:
        told = read_summary(end.message.encode())
        held = end.cpus or (0.0 if told is None else told.quota_cpus or float(told.threads))
        worked = None if told is None else told.wall_s
        yield PodTime(end.pod, end.created, end.placed, end.started, end.finished, held, worked)


def _evicted(ends: list[PodEnd]) -> Counter[str]:
    return Counter(end.node or "" for end in ends if end.evicted)


def _rows(found: Outcome) -> Iterator[Row]:
    tally = found.tally
    states = ", ".join(f"{number(many)} {state}" for state, many in sorted(tally.states.items()))
    yield "shards", f"{number(tally.total)}: {states}" if states else number(tally.total)
    if tally.retries or tally.evicted:
        yield "pods", f"{number(tally.retries)} failed, {number(tally.evicted)} evicted"
    if found.verdict.reason:
        yield "reason", found.verdict.reason
    yield from _troubles(found.troubles)


def _troubles(troubles: list[tuple[Shard, str]]) -> Iterator[Row]:
    for shard, words in troubles[:_SHOWN]:
        why = ": ".join(part for part in (shard.reason, words) if part)
        where = f" on {shard.node}" if shard.node else ""
        yield f"shard {shard.index}", f"{shard.state}{where}{f': {why}' if why else ''}"
    if len(troubles) > _SHOWN:
        yield "", f"and {number(len(troubles) - _SHOWN)} more"


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text.encode())
    except msgspec.MsgspecError:
        return text or None
