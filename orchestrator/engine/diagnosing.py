"""Completes what the probe found with what the node knows, and has it judged."""

import threading
import time

import msgspec

from orchestrator.engine.drive import Drive, Node
from orchestrator.host.cgroups import Throttling
from orchestrator.host.cpus import cpu_facts
from orchestrator.host.interpreter import gil_enabled
from orchestrator.inputs.paths import shown
from orchestrator.measure.account import Account
from orchestrator.measure.budget import split
from orchestrator.measure.diagnosis import Diagnosis, diagnose, is_suspicious
from orchestrator.measure.node import Pauses
from orchestrator.measure.scaling import Scaling, cpu_growth
from orchestrator.run.plan import PlanReader, read_index

_SPIN = 40_000
_TURNS = 3


def judge(drive: Drive, throttled: Throttling | None, pauses: Pauses) -> Diagnosis:
    """The diagnosis of a node whose work has ended.

    Args:
        drive: what ran the pools.
        throttled: how the quota throttled the node meanwhile.
        pauses: the garbage collector's.
    """
    node, probe = drive.node, drive.probe
    quota = cpu_facts().quota
    account = msgspec.structs.replace(
        probe.account(),
        backend=node.backend.backend,
        quota=None if quota is None else quota.cpus,
        gil=gil_enabled(),
        culprit=node.gilwatch.culprit,
        pauses=pauses.seconds if probe.on_threads else None,
        collections=pauses.count,
        throttled=throttled,
        last=_named(node, *probe.last) if probe.last else "",
    )
    alone = alone_by_ramp(account, drive.scaling[0])
    control = control_growth(len(account.lanes)) if probe.on_threads and is_suspicious(account, alone) else None
    return diagnose(account, alone, control)


def alone_by_ramp(account: Account, scaling: Scaling | None) -> float | None:
    """CPU seconds that the run's items would have taken with one thread, by how much more they took in the ramp.

    Not one thread's windows themselves: they saw the first items only, and later ones may cost more.
    """
    budget = split(account)
    used = budget.run + budget.native - (account.pauses or 0.0)
    grown = None if scaling is None else cpu_growth(scaling)
    return used / account.items / grown if grown and account.items and used > 0 else None


def _named(node: Node, lo: int, hi: int, item: int) -> str:
    """A place of the input, as a user knows it."""
    plan = PlanReader(node.store, read_index(node.store))
    first = next(iter(plan.pieces(lo, hi)), None)
    if first is None or not first.entry.name:
        return f"item {lo + max(0, item):,} of the input"
    name = shown(first.entry.name)
    return name if first.entry.whole or plan.index.unit == "file" else f"{name}@{first.entry.start + first.lo}"


def control_growth(threads: int) -> float:
    """How much more CPU time a loop that shares nothing takes with so many threads than with one.

    Hyper-threads and a changing clock rate do that, without any fault of the job. It takes some 10 ms for each thread.
    """
    alone = min(_spin() for _ in range(_TURNS))
    spent: list[float] = []
    spinners = [threading.Thread(target=lambda: spent.append(_spin(_TURNS) / _TURNS)) for _ in range(threads)]
    for spinner in spinners:
        spinner.start()
    for spinner in spinners:
        spinner.join()
    return max(1.0, sorted(spent)[len(spent) // 2] / alone)


def _spin(turns: int = 1) -> float:
    """CPU seconds of a loop over nothing but local numbers."""
    started, total = time.thread_time(), 0
    for _ in range(turns * _SPIN):
        total += turns
    return time.thread_time() - started
