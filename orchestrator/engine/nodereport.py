"""Puts a node's report together from what was measured while it ran."""

import time
from typing import Self

from msgspec import Struct

from orchestrator.engine.diagnosing import judge
from orchestrator.engine.drive import Drive, Ending
from orchestrator.engine.pool import ThreadRecord
from orchestrator.host.cgroups import CpuLimits, Throttling, throttled_between
from orchestrator.host.facts import describe_host
from orchestrator.host.interpreter import gil_enabled
from orchestrator.measure.node import ChunkReport, NodeReport, Pauses, ThreadReport
from orchestrator.measure.usage import Usage
from orchestrator.run.ledger import Ledger


class Measured(Struct, frozen=True):
    """The state of things when the work began."""

    started: float
    usage: Usage
    ledger: Ledger
    items: int
    nbytes: int
    failed: int
    limits: CpuLimits
    throttling: tuple[Throttling, ...]

    @classmethod
    def start(cls, ledger: Ledger, limits: CpuLimits) -> Self:
        """Take the first sample."""
        progress = ledger.progress
        return cls(
            started=time.perf_counter(),
            usage=Usage.now(),
            ledger=ledger,
            items=progress.items,
            nbytes=progress.nbytes,
            failed=len(progress.failed),
            limits=limits,
            throttling=limits.throttling(),
        )


def make_report(drive: Drive, measured: Measured, pauses: Pauses, ending: Ending) -> NodeReport:
    """The report of a node that has just ended."""
    node, records = drive.node, drive.records
    usage, progress = Usage.now(), measured.ledger.progress
    throttled = throttled_between(measured.throttling, measured.limits.throttling())
    return NodeReport(
        state=ending.state,
        reason=ending.reason,
        stack=ending.stack,
        complete=progress.complete,
        host=describe_host(),
        threads=node.work.threads,
        backend=node.backend,
        items=progress.items - measured.items,
        nbytes=progress.nbytes - measured.nbytes,
        failed=len(progress.failed) - measured.failed,
        wall_seconds=time.perf_counter() - measured.started,
        setup_seconds=node.setup_seconds,
        user_seconds=usage.user_seconds - measured.usage.user_seconds,
        system_seconds=usage.system_seconds - measured.usage.system_seconds,
        peak_rss=usage.peak_rss,
        commits=node.commits,
        lanes=[_thread(record) for record in records],
        chunks=_chunks(records),
        pauses=pauses,
        throttled=throttled,
        diagnosis=judge(drive, throttled, pauses),
        gil_enabled=gil_enabled(),
        gil_culprit=node.gilwatch.culprit,
        warnings=[*node.work.threads.warnings, *node.backend.warnings, *node.warnings],
    )


def _thread(record: ThreadRecord) -> ThreadReport:
    wall = record.wall_seconds
    return ThreadReport(
        index=record.index,
        wall_seconds=wall,
        cpu_seconds=record.cpu_seconds,
        busy=min(1.0, record.cpu_seconds / wall) if wall else 0.0,
        chunks=record.pace.chunks,
        items=record.pace.items,
    )


def _chunks(records: list[ThreadRecord]) -> ChunkReport:
    paces = [record.pace for record in records if record.pace.chunks]
    count = sum(pace.chunks for pace in paces)
    if not count:
        return ChunkReport()
    return ChunkReport(
        count=count,
        smallest=min(pace.smallest for pace in paces),
        mean=sum(pace.items for pace in paces) / count,
        largest=max(pace.largest for pace in paces),
        seconds_each=sum(pace.seconds for pace in paces) / count,
    )
