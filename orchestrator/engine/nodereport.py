"""Puts a node's report together from what was measured while it ran."""

import time
from typing import Self

from msgspec import Struct, structs

from orchestrator.engine.anylane import ThreadRecord
from orchestrator.engine.diagnosing import judge
from orchestrator.engine.drive import Drive, Ending
from orchestrator.host.cgroups import CpuLimits, Throttling, throttled_between
from orchestrator.host.cpus import ThreadDecision
from orchestrator.host.facts import describe_host
from orchestrator.host.interpreter import BackendDecision, gil_enabled
from orchestrator.measure.costs import costs_of
from orchestrator.measure.node import ChunkReport, NodeReport, Pauses, ThreadReport
from orchestrator.measure.usage import Usage
from orchestrator.run.ledger import Ledger


class Sample(Struct, frozen=True):
    """What the process had used when the work began, and when that was."""

    started: float
    usage: Usage
    limits: CpuLimits
    throttling: tuple[Throttling, ...]

    @classmethod
    def now(cls, limits: CpuLimits) -> Self:
        """Take it."""
        return cls(time.perf_counter(), Usage.now(), limits, limits.throttling())


class Decided(Struct, frozen=True):
    """What was decided before the work began, and what is to be told of it."""

    threads: ThreadDecision
    backend: BackendDecision
    setup_seconds: float
    gil_culprit: str | None
    warnings: list[str]


class Done(Struct, frozen=True):
    """What was done since then, and how that ended."""

    ending: Ending
    complete: bool
    items: int
    nbytes: int
    failed: int
    commits: int
    records: list[ThreadRecord]
    pauses: Pauses


class Measured(Struct, frozen=True):
    """The state of things when a node's work began."""

    sample: Sample
    ledger: Ledger
    items: int
    nbytes: int
    failed: int

    @classmethod
    def start(cls, ledger: Ledger, limits: CpuLimits) -> Self:
        """Take the first sample."""
        progress = ledger.progress
        return cls(Sample.now(limits), ledger, progress.items, progress.nbytes, len(progress.failed))


def make_report(drive: Drive, measured: Measured, ending: Ending) -> NodeReport:
    """The report of a node that has just ended."""
    node, (scaling, no_scaling), pauses = drive.node, drive.scaling, drive.gc.stop()
    progress = measured.ledger.progress
    warnings = [*node.gilwatch.refused, *node.warnings]
    decided = Decided(drive.threads, node.backend, node.setup_seconds, node.gilwatch.culprit, warnings=warnings)
    done = Done(
        ending=ending,
        complete=progress.complete,
        items=progress.items - measured.items,
        nbytes=progress.nbytes - measured.nbytes,
        failed=len(progress.failed) - measured.failed,
        commits=node.commits,
        records=drive.records,
        pauses=pauses,
    )
    report = report_of(decided, measured.sample, done)
    diagnosis = judge(drive, report.throttled, pauses)
    curve = structs.replace(report, scaling=scaling, no_scaling=no_scaling)
    return structs.replace(curve, diagnosis=diagnosis, collecting=drive.gc.chosen)


def report_of(decided: Decided, before: Sample, done: Done) -> NodeReport:
    """The report of work in this process that has just ended."""
    usage = Usage.now()
    return NodeReport(
        state=done.ending.state,
        reason=done.ending.reason,
        stack=done.ending.stack,
        complete=done.complete,
        host=describe_host(),
        threads=decided.threads,
        backend=decided.backend,
        items=done.items,
        nbytes=done.nbytes,
        failed=done.failed,
        wall_seconds=time.perf_counter() - before.started,
        setup_seconds=decided.setup_seconds,
        user_seconds=usage.user_seconds - before.usage.user_seconds,
        system_seconds=usage.system_seconds - before.usage.system_seconds,
        peak_rss=usage.peak_rss,
        commits=done.commits,
        lanes=[_thread(record) for record in done.records],
        chunks=_chunks(done.records),
        costs=costs_of([record.pace.costs for record in done.records]),
        pauses=done.pauses,
        throttled=throttled_between(before.throttling, before.limits.throttling()),
        gil_enabled=gil_enabled(),
        gil_culprit=decided.gil_culprit,
        warnings=[*decided.threads.warnings, *decided.backend.warnings, *decided.warnings],
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
