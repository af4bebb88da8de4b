"""What an earlier run says of a job, as data."""

import math
from collections.abc import Sequence

from msgspec import Struct

from orchestrator.measure.costs import Costs
from orchestrator.measure.scaling import Scaling


class Pods(Struct, frozen=True):
    """What the pods of a run on a cluster took, in seconds.

    Attributes:
        run: its name.
        count: how many pods were looked at.
        start, deviation: from a pod's creation to the start of its container: the mean; how much they differ.
        outside: from there to its end, without the work.
        evicted: how many pods of the run were evicted; lived: seconds from creation to end, of all its pods.
    """

    run: str
    count: int
    start: float
    deviation: float
    outside: float
    evicted: int = 0
    lived: float = 0.0


class Stamps(Struct, frozen=True):
    """When what happened in a run, in seconds since 1970.

    Attributes:
        began: its manifest was written.
        claimed: its plan was there, and its first shard was begun.
        worked: its last worker had ended its work.
        ended: it was published.
    """

    began: float
    claimed: float
    worked: float
    ended: float


class Measured(Struct, frozen=True):
    """What is known of a job from a run.

    Attributes:
        run, where, ended: which, where it is kept, and when it ended (seconds since 1970).
        items, nbytes, units: done; units are lengths on the input's axis, which counts `axis`.
        total_items, total_bytes: of the run's whole input; None where that is not known.
        seconds: that its workers worked, all shards together.
        setup: importing the task and making its process state.
        threads, cpus: that worked, and the CPUs they had; the larger one idles.
        cpu_model: of its nodes.
        scaling: how it scaled with threads.
        costs: what a chunk and a unit took one thread.
        density: what equal stretches of the run's input cost.
        between: how much its shards' costs differed, beyond that, over their mean.
        shards: how many it had.
        entries: of its plan; output: bytes that it published. None where that is not known.
        stamps: None where it was interrupted, or its pods alone are known.
        limited: whether it was of the first items alone.
        pods: what its pods took.
    """

    run: str
    where: str
    ended: float
    items: int
    nbytes: int
    units: int
    seconds: float
    setup: float
    threads: int
    cpus: float
    axis: str | None = None
    total_items: int | None = None
    total_bytes: int | None = None
    cpu_model: str | None = None
    scaling: Scaling | None = None
    costs: Costs | None = None
    density: tuple[float, ...] = ()
    between: float = 0.0
    shards: int = 1
    entries: int | None = None
    output: int | None = None
    stamps: Stamps | None = None
    limited: bool = False
    pods: Pods | None = None

    @property
    def working(self) -> float:
        """CPUs that worked."""
        return min(float(self.threads), self.cpus)


def density_of(costs: Costs) -> tuple[float, ...]:
    """What a unit took in each stretch; one in which no chunk began is taken to have cost what the one before did."""
    prices: list[float] = []
    for units, seconds in zip(costs.units, costs.seconds, strict=True):
        prices.append(seconds / units if units else (prices[-1] if prices else costs.mean))
    return tuple(prices) if any(prices) else ()


def drift(density: Sequence[float]) -> float:
    """How many times dearer the dearer half of an input is, as its stretches were measured; 1 for two equal halves."""
    middle = len(density) // 2
    halves = math.fsum(density[:middle]), math.fsum(density[len(density) - middle :])
    return max(halves) / min(halves) if min(halves) > 0 else 1.0
