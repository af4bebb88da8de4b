"""Completes what the probe found with what the node knows, and has it judged."""

import threading
import time

import msgspec

from orchestrator.engine.drive import Drive
from orchestrator.host.cgroups import Throttling
from orchestrator.host.cpus import cpu_facts
from orchestrator.host.interpreter import gil_enabled
from orchestrator.measure.diagnosis import Diagnosis, diagnose, is_suspicious
from orchestrator.measure.node import Pauses

_SPIN = 40_000
_TURNS = 3


def judge(drive: Drive, throttled: Throttling | None, pauses: Pauses, alone: float | None = None) -> Diagnosis:
    """The diagnosis of a node whose work has ended.

    Args:
        drive: what ran the pools.
        throttled: how the quota throttled the node meanwhile.
        pauses: the garbage collector's.
        alone: CPU seconds an item takes with one thread; None where that was not measured.
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
    )
    control = control_growth(len(account.lanes)) if probe.on_threads and is_suspicious(account, alone) else None
    return diagnose(account, alone, control)


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
    started, total = time.thread_time(), 0.5
    for _ in range(turns * _SPIN):
        total = total * 0.999 + 1.0
    return time.thread_time() - started
