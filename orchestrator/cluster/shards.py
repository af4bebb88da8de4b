"""How a shard is, from its newest pod and from what its Job says of it; pure."""

from typing import Literal

from msgspec import Struct, structs

from orchestrator.cluster.pods import Seen

type State = Literal[
    "waiting", "pending", "running", "stopping", "retrying", "evicted", "done", "failed", "suspended", "stopped"
]

_FIRST_WAIT = 10.0
_LONGEST_WAIT = 600.0


class Shard(Struct, frozen=True):
    """How one shard is.

    Attributes:
        index: which one.
        state: `waiting` for its pod to be made; `pending` until the pod is at work; `running`; `stopping` on request;
            `retrying` after a failure; `evicted`, to be made again; `done`; `failed` for good; `suspended`;
            `stopped`, as the Job ended before it.
        pod, node: its newest pod, and where that is.
        failures: how often it has failed.
        reason: what holds it up, or how it failed.
        exit_code: of its newest pod, if that ended.
        retry_at: when Kubernetes makes its next pod, in seconds since 1970: after evictions, too.
    """

    index: int
    state: State
    pod: str | None = None
    node: str | None = None
    failures: int = 0
    reason: str = ""
    exit_code: int | None = None
    retry_at: float | None = None

    def under(self, job_state: str) -> Shard:
        """The same shard, where the Job as a whole is suspended or over."""
        if job_state == "" or self.state in {"done", "failed"}:
            return self
        if job_state == "stopped":
            return structs.replace(self, state="stopped", retry_at=None)
        return (
            self if self.state in {"running", "stopping"} else structs.replace(self, state="suspended", retry_at=None)
        )


def shard_of(index: int, pod: Seen | None, completed: bool, failed: bool) -> Shard:
    """How a shard is.

    Args:
        index: which one.
        pod: its newest pod.
        completed: whether the Job counts it as that.
        failed: likewise.
    """
    if pod is None:
        state: State = "done" if completed else "failed" if failed else "waiting"
        return Shard(index, state)
    failures = pod.failures + (pod.failed and not pod.evicted)
    shard = Shard(index, _state(pod), pod.name, pod.node, failures, pod.reason, pod.exit_code)
    if completed:
        return structs.replace(shard, state="done", reason="")
    if failed:
        return structs.replace(shard, state="failed")
    return structs.replace(shard, retry_at=_retry_at(pod)) if shard.state in {"retrying", "evicted"} else shard


def back_off(ends: int) -> float:
    """How long Kubernetes waits (seconds) before it makes the pod of an index again, after so many ends of it.

    Those that its podFailurePolicy ignores (evictions, say) count here as failures do. Source: the Job controller
    (pkg/controller/job/backoff_utils.go, getRemainingTimePerIndex): 10 s, doubled with each, 10 min at most.
    """
    return min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(max(0, ends - 1), 10))


def _state(pod: Seen) -> State:
    match pod.stage:
        case "succeeded":
            return "done"
        case "failed":
            return "evicted" if pod.evicted else "retrying"
        case "lost":
            return "waiting"
        case stage:
            return stage


def _retry_at(pod: Seen) -> float | None:
    return None if pod.since is None else pod.since + back_off(pod.order[0] + 1)
