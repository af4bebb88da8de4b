"""What a run on a cluster has come to, from what its pods left behind; pure."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from orchestrator.cluster.watching import JobWatch, PodEnd, Shard, Tally, Verdict
from orchestrator.report.lines import Row
from orchestrator.report.words import count, duration, number, size

_SHOWN = 20


class Told(Struct, frozen=True):
    """The figures of a pod's summary that are added up; what a pod did not tell is zero."""

    items: int = 0
    failed: int = 0
    bytes: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    message: str = ""


class Outcome(Struct, frozen=True):
    """A run on a cluster.

    Attributes:
        run: its name.
        verdict: how it is.
        tally: its shards by state.
        items, failed, bytes: of all shards that told.
        cpu_s: CPU seconds of all pods, those that failed included.
        told: how many shards have told.
        troubles: the shards that are not well, with their newest pod's own words.
        pods: all that ended, with their termination messages.
    """

    run: str
    verdict: Verdict
    tally: Tally
    items: int
    failed: int
    bytes: int
    cpu_s: float
    told: int
    troubles: list[tuple[Shard, str]]
    pods: list[PodEnd]


def outcome(run: str, watch: JobWatch, ends: list[PodEnd]) -> Outcome:
    """What a run has come to.

    Args:
        run: its name.
        watch: the Job as it was last seen.
        ends: the pods that ended, in the order in which they did.
    """
    last = {end.shard: told for end in ends if (told := read(end.message)) is not None}
    every = [told for end in ends if (told := read(end.message)) is not None]
    bad = [shard for shard in watch.shards() if shard.state in {"failed", "retrying", "evicted", "pending"}]
    return Outcome(
        run,
        watch.verdict(),
        watch.tally(),
        items=sum(told.items for told in last.values()),
        failed=sum(told.failed for told in last.values()),
        bytes=sum(told.bytes for told in last.values()),
        cpu_s=round(sum(told.cpu_s for told in every), 3),
        told=len(last),
        troubles=[(shard, last[shard.index].message if shard.index in last else "") for shard in bad],
        pods=ends,
    )


def read(message: str) -> Told | None:
    """The summary that a termination message is; None where it is none."""
    try:
        return msgspec.json.decode(message.encode(), type=Told)
    except msgspec.MsgspecError:
        return None


def outcome_rows(found: Outcome) -> Iterator[Row]:
    """The labelled lines of a run."""
    tally = found.tally
    states = ", ".join(f"{number(many)} {state}" for state, many in sorted(tally.states.items()))
    yield "shards", f"{number(tally.total)}: {states}" if states else number(tally.total)
    if found.told:
        failed = f", {number(found.failed)} failed" if found.failed else ""
        nbytes = f", {size(found.bytes)}" if found.bytes else ""
        yield "items", f"{number(found.items)}{nbytes}{failed} ({count(found.told, 'shard')} told)"
    if found.cpu_s:
        yield "CPU", duration(found.cpu_s)
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


def plain(found: Outcome) -> dict[str, Any]:
    """The same for JSON, each pod's summary as what it is."""
    values: dict[str, Any] = msgspec.to_builtins(found)
    values["troubles"] = [{**msgspec.to_builtins(shard), "message": words} for shard, words in found.troubles]
    for pod in values["pods"]:
        pod["summary"] = _json(pod.pop("message"))
    return values


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text.encode())
    except msgspec.MsgspecError:
        return text or None
