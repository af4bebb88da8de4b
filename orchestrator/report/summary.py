"""What a pod leaves behind when it ends: a few figures, small enough for Kubernetes' termination message.

Kubernetes keeps 4,096 bytes of what a container wrote to its `terminationMessagePath`, and cuts anything longer in the
middle, so that it would be no JSON any more.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from orchestrator.measure.node import NodeReport
from orchestrator.store.base import NotFound, Store

MOST_BYTES = 4096
VARIABLE = "FTORCH_TERMINATION_LOG"
_USUAL = Path("/dev/termination-log")
_MOST = {"message": 1500, "thread_reason": 500, "run": 300, "node": 300, "pod": 300, "cause": 100}
_ELLIPSIS = "…"


class PodSummary(Struct, frozen=True):
    """How a pod ended, and what its shard has come to.

    Attributes:
        run, shard: which; "" and -1 where that was not known yet.
        exit_code: as the command ends with.
        message: why it ended, in words; cut where it is long.
        items, failed, bytes: of the shard, in this sitting and earlier ones.
        wall_s, cpu_s: seconds of this sitting's last worker, and CPU seconds that it used.
        threads, thread_reason: how many threads, and why; 0 before that was decided.
        quota_cpus: the CPUs that the container's quota allows, None without a quota.
        speedup, efficiency: measured with the most threads that have a CPU each; None where that was not measured.
        cause: of the largest loss of capacity that was found, "" for none; `lost` is its share (0 to 1).
        restarts: workers that died or were replaced in this sitting.
        quarantined: items set aside because they kill or hang their worker.
        node, pod: where it ran.
        peak_rss: bytes of the last worker at most.
    """

    run: str
    shard: int
    exit_code: int
    message: str
    items: int = 0
    failed: int = 0
    bytes: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    threads: int = 0
    quota_cpus: float | None = None
    thread_reason: str = ""
    speedup: float | None = None
    efficiency: float | None = None
    cause: str = ""
    lost: float | None = None
    restarts: int = 0
    quarantined: int = 0
    node: str = ""
    pod: str = ""
    peak_rss: int = 0


def with_node(summary: PodSummary, node: NodeReport | None) -> PodSummary:
    """A summary with the figures of a worker's report."""
    if node is None:
        return summary
    speedup, efficiency = scaled(node)
    largest = max(node.diagnosis.findings, key=lambda finding: finding.share, default=None) if node.diagnosis else None
    return msgspec.structs.replace(
        summary,
        wall_s=round(node.wall_seconds, 3),
        cpu_s=round(node.user_seconds + node.system_seconds, 3),
        threads=node.threads.threads,
        thread_reason=node.threads.reason,
        quota_cpus=None if node.host.quota is None else node.host.quota.cpus,
        speedup=speedup,
        efficiency=efficiency,
        cause="" if largest is None else largest.cause,
        lost=None if largest is None else round(largest.share, 4),
        peak_rss=node.peak_rss,
    )


def scaled(node: NodeReport) -> tuple[float | None, float | None]:
    """The speedup and efficiency that were measured with the most threads that have a CPU each, or None."""
    if node.scaling is None:
        return None, None
    counted = [point for point in node.scaling.points if point.threads <= node.scaling.cpus and point.speedup]
    if not counted:
        return None, None
    most = max(counted, key=lambda point: point.threads)
    if most.threads == 1 < node.threads.threads:
        # The windows ended before there was anything to compare with one thread.
        return None, None
    speedup = None if most.speedup is None else round(most.speedup.value, 3)
    return speedup, None if most.efficiency is None else round(most.efficiency.value, 4)


def encode_summary(summary: PodSummary) -> bytes:
    """A summary as JSON of 4,096 bytes at most; texts are cut, whatever they hold."""
    texts = {name: _cut(getattr(summary, name), most) for name, most in _MOST.items()}
    return msgspec.json.encode(msgspec.structs.replace(summary, **texts))


def read_summary(data: bytes) -> PodSummary | None:
    """A summary that a pod left; None where it is none (another program's message, say)."""
    try:
        return msgspec.json.decode(data, type=PodSummary)
    except msgspec.MsgspecError:
        return None


def leave(summary: PodSummary, env: Mapping[str, str], store: Store | None) -> None:
    """Write a summary where Kubernetes looks for it, and into the run; a place that cannot be written is passed over.

    Args:
        summary: what to write.
        env: the environment; FTORCH_TERMINATION_LOG may name the file.
        store: the run's, None where there is no run.
    """
    data = encode_summary(summary)
    named = env.get(VARIABLE)
    path = Path(named) if named else _USUAL
    if named or _USUAL.exists():
        with suppress(OSError):
            path.write_bytes(data)
    if store is not None:
        with suppress(Exception):
            store.put(_name(summary.shard), [data])


def find_summary(store: Store, shard: int) -> PodSummary | None:
    """The summary of the last sitting of a shard; None where there is none."""
    try:
        return read_summary(store.get(_name(shard)))
    except NotFound:
        return None


def whereabouts(env: Mapping[str, str]) -> tuple[str, str]:
    """The node and the pod that this is: FTORCH_NODE and FTORCH_POD, else "" and the host's name."""
    return env.get("FTORCH_NODE", ""), env.get("FTORCH_POD") or os.uname().nodename


def _name(shard: int) -> str:
    return f"shards/{shard}/summary.json"


def _cut(text: str, most: int) -> str:
    """A text of so many bytes at most as JSON, without what no JSON can hold."""
    clean = text.encode("utf-8", "backslashreplace").decode()
    if len(msgspec.json.encode(clean)) <= most:
        return clean
    # A character takes six bytes at most (\u001f), and one at least.
    low, high = 0, min(len(clean), most)
    while low < high:
        middle = (low + high + 1) // 2
        if len(msgspec.json.encode(clean[:middle] + _ELLIPSIS)) <= most:
            low = middle
        else:
            high = middle - 1
    return clean[:low] + _ELLIPSIS
