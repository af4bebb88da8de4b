"""What a run's work would take as a multiprocessing + Redis fleet: computed from what `ftorch compare` measured; pure.

The rule: what the run held and used, times what the comparison measured of the fleet over ftorch's threads, on the same
items. A node of the fleet has a worker process for each of ours threads; its memory is what the comparison's whole
fleet had, and what one worker process had for each worker more than those. What is left out is in the fleet's favour:
a machine for the broker, its network, and what is sent over it.
"""

from collections.abc import Sequence

from msgspec import Struct

from orchestrator.measure.node import NodeReport
from orchestrator.report.comparisons import Compared, RowFigures, Spread

FLEET = "redis"
_OURS = "threads"
_HOUR = 3600.0


class Work(Struct, frozen=True):
    """What a run took.

    Attributes:
        cpu_hours: used, held_cpu_hours: held, busy or not.
        nodes: at work at a time.
        threads: of a node, the most.
        peak_rss: bytes of a node's worker at most; 0 where that is not known.
        price: of a CPU-hour.
    """

    cpu_hours: float
    held_cpu_hours: float
    nodes: int
    threads: int
    peak_rss: int
    price: float | None = None


class Basis(Struct, frozen=True):
    """Where a computed figure comes from: which comparison, of what, when and where."""

    file: str
    job: str
    items: int
    chosen: str
    rounds: int
    workers: int
    cpus: float
    created: float
    machine: str


class Collapse(Struct, frozen=True):
    """A run's work as a fleet, computed, not measured; the run's own figures beside it.

    Attributes:
        ratio: the fleet's time over ours on as many CPUs: above 1 it takes longer.
        cpu_hours: that it would use, None where that was too short to measure; held_cpu_hours: that it would hold.
        cost: of those held; None without a price.
        workers_per_node: worker processes of a node.
        memory_per_node: bytes of a node, None where the comparison does not tell; memory: of all nodes.
        work: what the run itself took.
        basis: the comparison.
    """

    ratio: Spread
    cpu_hours: float | None
    held_cpu_hours: float
    cost: float | None
    workers_per_node: int
    memory_per_node: int | None
    memory: int | None
    work: Work
    basis: Basis
    computed: bool = True


def collapse(work: Work, compared: Compared) -> Collapse | str:
    """A run's work as a fleet, or why that cannot be computed from this comparison."""
    fleet, ours = compared.figures(FLEET), compared.figures(_OURS)
    where = f"the comparison in {compared.file}"
    if fleet is None or ours is None:
        return f"{where} has no figures of the rows threads and redis"
    if fleet.ratio is None:
        return f"{where} was too short to tell a rate from: compare more items"
    ratio = Spread(1 / fleet.ratio.median, 1 / fleet.ratio.most, 1 / fleet.ratio.least)
    held = work.held_cpu_hours * ratio.median
    memory = _memory(fleet, compared.workers, work.threads)
    return Collapse(
        ratio=ratio,
        cpu_hours=_used(work.cpu_hours, fleet, ours),
        held_cpu_hours=held,
        cost=None if work.price is None else held * work.price,
        workers_per_node=work.threads,
        memory_per_node=memory,
        memory=None if memory is None else memory * work.nodes,
        work=work,
        basis=Basis(
            compared.file,
            compared.job,
            compared.items,
            compared.chosen,
            fleet.rounds,
            compared.workers,
            compared.cpus,
            compared.created,
            compared.machine,
        ),
    )


def work_of(nodes: Sequence[NodeReport], price: float | None = None) -> Work:
    """What the workers of one machine took, one after the other."""
    return Work(
        cpu_hours=sum(node.user_seconds + node.system_seconds for node in nodes) / _HOUR,
        held_cpu_hours=sum(held_cpus(node) * node.wall_seconds for node in nodes) / _HOUR,
        nodes=1,
        threads=max((node.threads.threads for node in nodes), default=1),
        peak_rss=max((node.peak_rss for node in nodes), default=0),
        price=price,
    )


def held_cpus(node: NodeReport) -> float:
    """The CPUs that a node holds for its worker: the quota, else as many as the affinity mask allows."""
    quota = node.host.quota
    return float(node.host.affinity) if quota is None else min(quota.cpus, node.host.affinity)


def _used(cpu_hours: float, fleet: RowFigures, ours: RowFigures) -> float | None:
    if not fleet.cpu_seconds or not ours.cpu_seconds:
        return None
    return cpu_hours * fleet.cpu_seconds / ours.cpu_seconds


def _memory(fleet: RowFigures, measured: int, wanted: int) -> int | None:
    """Bytes of a node with so many workers; None where it needs more of them and what one has is not known."""
    if wanted > measured and not fleet.worker:
        return None
    return max(fleet.peak + (wanted - measured) * fleet.worker, fleet.worker)
