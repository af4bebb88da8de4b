"""How long pods take on nodes: an Indexed Job gives the next index to the first node that is free; pure.

That is list scheduling (R. L. Graham, "Bounds on multiprocessing timing anomalies", SIAM J. Appl. Math. 17(2), 1969),
with pods that are made one after the other.
"""

import heapq
from collections.abc import Sequence


def makespan(times: Sequence[float], nodes: int, gap: float = 0.0) -> float:
    """Seconds until the last of some pods ends, taken in order, so many at a time.

    Args:
        times: what each takes, from its creation on; at least one.
        nodes: how many there are at a time, at least 1.
        gap: seconds between the creation of two pods.
    """
    free = [0.0] * min(nodes, len(times))
    made, replace = -gap, heapq.heapreplace
    for time in times:
        made = max(made + gap, free[0])
        replace(free, made + time)
    return max(free)


def graham(total: float, longest: float, nodes: int) -> float:
    """What no order of pods of that total and that longest time can exceed on so many nodes."""
    return total / nodes + (1 - 1 / nodes) * longest
