"""How long pods take on nodes: an Indexed Job gives the next index to the first node that is free; pure.

That is list scheduling (R. L. Graham, "Bounds on multiprocessing timing anomalies", SIAM J. Appl. Math. 17(2), 1969),
with pods that are made one after the other, and of which the first to be ready plans while the others wait.
"""

import heapq

from msgspec import Struct


class Dealt(Struct, frozen=True):
    """Pods in order: seconds from each one's creation until it is ready, and from there to its end."""

    ready: list[float]
    work: list[float]

    @property
    def total(self) -> float:
        """Seconds of all."""
        return sum(self.ready) + sum(self.work)

    @property
    def longest(self) -> float:
        """Seconds of the longest."""
        return max(map(sum, zip(self.ready, self.work, strict=True)))


def makespan(pods: Dealt, nodes: int, gap: float = 0.0, planning: float = 0.0) -> float:
    """Seconds until the last of some pods ends, taken in order, so many at a time.

    Args:
        pods: at least one.
        nodes: how many there are at a time, at least 1.
        gap: seconds between the creation of two pods.
        planning: seconds that the first pod to be ready takes before any can work.
    """
    first = pods.ready[:nodes]
    planned = min(at * gap + ready for at, ready in enumerate(first)) + planning
    free = [0.0] * len(first)
    made, replace = -gap, heapq.heapreplace
    for ready, work in zip(pods.ready, pods.work, strict=True):
        made = max(made + gap, free[0])
        replace(free, max(made + ready, planned) + work)
    return max(free)


def graham(total: float, longest: float, nodes: int) -> float:
    """What no order of pods of that total and that longest time can exceed on so many nodes."""
    return total / nodes + (1 - 1 / nodes) * longest
