"""What a pod's status says: is it at work, what holds it up, how did it end; pure."""

from datetime import datetime
from typing import Literal

from msgspec import Struct, structs

from orchestrator.cluster.objects import FAILURES, IGNORED, INDEX, Pod, Terminated

CONTAINER = "ftorch"

type Stage = Literal["pending", "running", "stopping", "succeeded", "failed", "lost"]


class Seen(Struct, frozen=True):
    """A pod as it was last seen.

    Attributes:
        index: its shard.
        uid, name: its own.
        order: sorts the pods of one index: attempts before it, then its time of creation (seconds since 1970).
        node: where it is, None while it is nowhere.
        stage: how far it is.
        evicted: whether the cluster took it away: a drained node, a preemption.
        reason: what holds it up, or how it ended.
        exit_code: of its container, None while it has none.
        failures: how often this index had failed before this pod.
        since: when it began, or ended, in seconds since 1970.
    """

    index: int
    uid: str
    name: str
    order: tuple[int, float]
    node: str | None
    stage: Stage
    evicted: bool
    reason: str
    exit_code: int | None
    failures: int
    since: float | None

    @property
    def over(self) -> bool:
        """Whether it ended."""
        return self.stage in {"succeeded", "failed"}

    @property
    def failed(self) -> bool:
        """Whether it ended badly."""
        return self.stage == "failed"

    def lost(self) -> Seen:
        """The same pod, deleted before anybody saw its end."""
        return structs.replace(self, stage="lost", reason="its pod was deleted")


class PodEnd(Struct, frozen=True):
    """What a pod left behind; kept beyond the pod's own life.

    Attributes:
        shard: the index that it worked on.
        pod, uid, node: which pod, and where it was.
        exit_code: of the container; None if the pod ended without one.
        reason: in words; empty if it ended well.
        evicted: whether the cluster took it away.
        created, started, finished: seconds since 1970, None where unknown.
        message: its termination message, which is its summary.
        placed: when it was given a node, in seconds since 1970; None where unknown.
        cpus: that it held there; None where unknown.
    """

    shard: int
    pod: str
    uid: str
    node: str | None
    exit_code: int | None
    reason: str
    evicted: bool
    created: float | None
    started: float | None
    finished: float | None
    message: str
    placed: float | None = None
    cpus: float | None = None


def seen(pod: Pod) -> Seen:
    """What is to be known of a pod as it is now."""
    notes, end = pod.metadata.annotations, _terminated(pod)
    failures = int(notes.get(FAILURES, "0"))
    created = _seconds(pod.metadata.creation_timestamp)
    evicted = _is_evicted(pod)
    stage = _stage(pod)
    return Seen(
        index=int(notes.get(INDEX, "0")),
        uid=pod.metadata.uid,
        name=pod.metadata.name,
        order=(failures + int(notes.get(IGNORED, "0")), created or 0.0),
        node=pod.spec.node_name,
        stage=stage,
        evicted=evicted and stage != "succeeded",
        reason=_reason(pod, stage, end, evicted),
        exit_code=None if end is None else end.exit_code,
        failures=failures,
        since=_since(pod, end),
    )


def ended(pod: Pod, now: Seen) -> PodEnd:
    """What a pod that is over left behind."""
    end = _terminated(pod) or Terminated()
    return PodEnd(
        shard=now.index,
        pod=now.name,
        uid=now.uid,
        node=now.node,
        exit_code=now.exit_code,
        reason="" if now.stage == "succeeded" else now.reason,
        evicted=now.evicted,
        created=_seconds(pod.metadata.creation_timestamp),
        started=_seconds(end.started_at),
        finished=_seconds(end.finished_at),
        message=end.message or "",
        placed=_placed(pod),
        cpus=_cpus(pod),
    )


def _stage(pod: Pod) -> Stage:
    match pod.status.phase:
        case "Succeeded":
            # A pod that was asked to stop and ended well does not complete its index; its Job makes it again.
            return "succeeded" if pod.metadata.deletion_timestamp is None else "lost"
        case "Failed":
            return "failed" if pod.metadata.deletion_timestamp is None or _is_evicted(pod) else "lost"
    if pod.metadata.deletion_timestamp is not None:
        return "stopping"
    return "running" if pod.status.phase == "Running" else "pending"


def _is_evicted(pod: Pod) -> bool:
    disrupted = any(c.type == "DisruptionTarget" and c.status == "True" for c in pod.status.conditions)
    return disrupted or pod.status.reason in {"Evicted", "Preempting", "NodeLost"}


def _terminated(pod: Pod) -> Terminated | None:
    ends = {status.name: status.state.terminated for status in pod.status.container_statuses}
    return ends.get(CONTAINER) or next((end for end in ends.values() if end is not None), None)


def _reason(pod: Pod, stage: Stage, end: Terminated | None, evicted: bool) -> str:
    if stage == "pending":
        return _held_up(pod)
    if stage != "failed":
        return ""
    if evicted:
        return _why_evicted(pod)
    if end is not None:
        return "out of memory" if end.reason == "OOMKilled" else f"exit code {end.exit_code}"
    return pod.status.message or pod.status.reason or "the pod failed"


def _why_evicted(pod: Pod) -> str:
    told = next((c for c in pod.status.conditions if c.type == "DisruptionTarget" and c.status == "True"), None)
    return (told and (told.reason or told.message)) or pod.status.reason or "evicted"


def _held_up(pod: Pod) -> str:
    for status in pod.status.container_statuses:
        waits = status.state.waiting
        if waits is not None and waits.reason not in {None, "ContainerCreating", "PodInitializing"}:
            return f"{waits.reason}: {waits.message}" if waits.message else str(waits.reason)
    for condition in pod.status.conditions:
        if condition.type == "PodScheduled" and condition.status == "False":
            return condition.message or condition.reason or "not scheduled"
    return ""


def _since(pod: Pod, end: Terminated | None) -> float | None:
    if end is not None:
        return _seconds(end.finished_at)
    for status in pod.status.container_statuses:
        if status.state.running is not None:
            return _seconds(status.state.running.started_at)
    return _seconds(pod.metadata.creation_timestamp)


def _placed(pod: Pod) -> float | None:
    told = next((c for c in pod.status.conditions if c.type == "PodScheduled" and c.status == "True"), None)
    return None if told is None else _seconds(told.last_transition_time)


def _cpus(pod: Pod) -> float | None:
    """The CPUs that the pod's containers ask for, which nobody else gets."""
    asked = [each.resources.requests["cpu"] for each in pod.spec.containers if "cpu" in each.resources.requests]
    return sum(map(_quantity, asked)) if asked else None


def _quantity(text: str | float) -> float:
    """CPUs as Kubernetes writes them: 2, 1500m; 0 for what is neither."""
    number, milli = (text[:-1], 1000) if isinstance(text, str) and text.endswith("m") else (text, 1)
    try:
        return float(number) / milli
    except ValueError:
        return 0.0


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
