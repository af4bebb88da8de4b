"""How long pods took to start, and what they held meanwhile; pure.

A pod holds its CPUs from when it is placed on a node. Until its container runs it is starting (images are pulled,
volumes mounted); then its worker works; what is left is idle: the interpreter starts, the plan is waited for, a worker
died and the next one starts, the output is published.
"""

import statistics
from collections.abc import Iterable

from msgspec import Struct

_HOUR = 3600.0


class PodTime(Struct, frozen=True):
    """One pod that ended; moments in seconds since 1970, None where the cluster did not tell.

    Attributes:
        pod: its name.
        created, placed, started, finished: when it was made, had a node, its container ran, and ended.
        cpus: that it held.
        worked: seconds in which its worker worked; None where it left no summary.
    """

    pod: str
    created: float | None
    placed: float | None
    started: float | None
    finished: float | None
    cpus: float
    worked: float | None


class PodTimes(Struct, frozen=True):
    """What the pods of a run took beside their work.

    Attributes:
        pods: how many ended, and told when they ran; held_cpu_hours: that they held, of which the next four are parts.
        startup: seconds from when a pod was made until its container ran, the median; longest, and of which pod.
        placing: of these until it had a node, the median; None where nobody told.
        working_cpu_hours: held while workers worked.
        starting_cpu_hours: held from being placed until the container ran.
        idle_cpu_hours: held while the container ran and no worker worked.
        silent: pods that left no summary, such as those that were killed; silent_cpu_hours: that these held.
    """

    pods: int
    held_cpu_hours: float
    startup: float | None
    longest: float | None
    longest_pod: str
    placing: float | None
    working_cpu_hours: float
    starting_cpu_hours: float
    idle_cpu_hours: float
    silent: int
    silent_cpu_hours: float


def pod_times(pods: Iterable[PodTime]) -> PodTimes | None:
    """What pods add up to; None where none has told when it ran."""
    told = [pod for pod in pods if pod.started is not None]
    if not told:
        return None
    starts = [(_between(pod.created, pod.started), pod.pod) for pod in told]
    known = [(seconds, pod) for seconds, pod in starts if seconds is not None]
    longest, whose = max(known, default=(None, ""))
    placing = [seconds for pod in told if (seconds := _between(pod.created, pod.placed)) is not None]
    loud, silent = [pod for pod in told if pod.worked is not None], [pod for pod in told if pod.worked is None]
    working = _hours((pod, _working(pod)) for pod in loud)
    starting = _hours((pod, _between(pod.placed, pod.started) or 0.0) for pod in told)
    idle = _hours((pod, _running(pod) - _working(pod)) for pod in loud)
    unknown = _hours((pod, _running(pod)) for pod in silent)
    return PodTimes(
        pods=len(told),
        held_cpu_hours=working + starting + idle + unknown,
        startup=statistics.median(seconds for seconds, _ in known) if known else None,
        longest=longest,
        longest_pod=whose,
        placing=statistics.median(placing) if placing else None,
        working_cpu_hours=working,
        starting_cpu_hours=starting,
        idle_cpu_hours=idle,
        silent=len(silent),
        silent_cpu_hours=unknown,
    )


def _hours(parts: Iterable[tuple[PodTime, float]]) -> float:
    return sum(pod.cpus * seconds for pod, seconds in parts) / _HOUR


def _running(pod: PodTime) -> float:
    """Seconds of the container; at least those of its worker, as Kubernetes tells whole seconds."""
    return max(_between(pod.started, pod.finished) or 0.0, pod.worked or 0.0)


def _working(pod: PodTime) -> float:
    return pod.worked or 0.0


def _between(first: float | None, then: float | None) -> float | None:
    return None if first is None or then is None else max(0.0, then - first)
