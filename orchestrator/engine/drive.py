"""The worker's main loop: a commit a second, and a look at what may have changed since the last one.

Guarantees: what the threads had handed over when the loop ends is committed, however it ends. Assumes: it runs in the
worker's main thread.
"""

import time

from msgspec import Struct, field, structs

from orchestrator.engine import board as fields
from orchestrator.engine.anylane import ThreadRecord
from orchestrator.engine.board import Board
from orchestrator.engine.climbing import Climber, Slope, Turns
from orchestrator.engine.committer import Committer
from orchestrator.engine.gcwatch import GcWatch
from orchestrator.engine.gilwatch import GilWatch
from orchestrator.engine.memorywatch import MemoryWatch
from orchestrator.engine.pool import Pool
from orchestrator.engine.probe import Probe
from orchestrator.engine.protocol import Work
from orchestrator.engine.quotawatch import QuotaWatch
from orchestrator.engine.ramping import Ground, Ramp, why_no_ramp
from orchestrator.engine.stopping import StopSwitch
from orchestrator.engine.verdict import judge_ended, judge_running, judge_shard
from orchestrator.errors import GilError
from orchestrator.host.cgroups import find_cpu_limits
from orchestrator.host.interpreter import BackendDecision
from orchestrator.measure.scaling import Scaling
from orchestrator.measure.usage import runnable_seconds
from orchestrator.run.folder import Manifest
from orchestrator.run.ledger import Ledger
from orchestrator.run.plan import PlanIndex
from orchestrator.spec.model import JobSpec
from orchestrator.store.base import Store
from orchestrator.tasks.api import Fold


class Node(Struct):
    """What a worker's main thread holds while it runs a shard."""

    store: Store
    manifest: Manifest
    work: Work
    backend: BackendDecision
    fold: Fold | None
    switch: StopSwitch
    gilwatch: GilWatch
    setup_seconds: float
    warnings: list[str] = field(default_factory=list)
    commits: int = 0


class Ending(Struct, frozen=True):
    """How the work ended: "done", "interrupted", "failed" or "replaced"; why; and the stack of a lane left behind."""

    state: str
    reason: str
    stack: str = ""


class Drive:
    """Runs pools, one after the other, over one ledger.

    Attributes:
        records: what the threads of ended pools left.
        scaling: the curve that the last ramp gave, or None and why there is none.
        threads: how many threads the job had in the end, and why.
        probe: what was seen of the threads.
        gc: the garbage collector, and what was heard of it.
    """

    def __init__(self, node: Node, committer: Committer, ledger: Ledger, board: Board) -> None:
        self.node = node
        self.committer = committer
        self.ledger = ledger
        self.board = board
        self.records: list[ThreadRecord] = []
        self.scaling: tuple[Scaling | None, str] = (None, "")
        self.threads = node.work.threads
        self._limits = find_cpu_limits()
        self._quota = QuotaWatch(node.manifest.spec.resources, node.work.threads)
        self.probe = Probe(board, node.backend.backend == "threads")
        self._memory = MemoryWatch(node.manifest.spec)
        self.gc = GcWatch(node.manifest.spec, node.backend.backend == "threads")
        self._total: int | None = None
        self._whole = True

    def settle_total(self, index: PlanIndex) -> None:
        """Say how many items the whole run has, and whether this shard is all of it."""
        self._total, self._whole = index.items, len(index.shards) <= 2

    def run(self, pool: Pool, threads: int) -> Ending | None:
        """Have a pool do its chunks, with so many threads; how the work ended, or None if there may be more to do.

        Raises:
            Fenced, StoreUnavailable, GilError, RunDamaged: as `run_node` says.
        """
        node, switch = self.node, self.node.switch
        switch.attach(pool, self.committer.poke)
        self.probe.attach(pool)
        pool.allow(threads)
        ground = Ground(pool, threads, self.board.read, self._limits)
        ramp = Ramp(ground, why_no_ramp(node.manifest.spec, threads))
        climber = self._climber(pool)
        while True:
            self._wait(pool, Turns(ramp, climber))
            ended = pool.ended or pool.ended_but(switch.left_behind)
            if self.committer.commit() is not None:
                node.commits += 1
            if pool.error is not None:
                raise pool.error
            _check_gil(node, node.manifest.spec)
            ending = self._over(pool, ended)
            if ending is not None or ended:
                self.records += pool.records
                self.scaling = self.scaling if self.scaling[0] else ramp.result()
                self.threads = climber.decision
                self.probe.detach()
                return ending
            if not pool.stop.is_set():
                self._follow(pool, climber)
                self.gc.look(self._memory.share, ramp.over or ramp.put_off)

    def _wait(self, pool: Pool, turns: Turns) -> None:
        """Wait until a commit is due, or something presses; meanwhile the ramp and the climb take their windows,
        and the probe and the collector's watch look.
        """
        due = time.monotonic() + self.node.switch.until(min(self.node.work.commit_seconds, self._memory.interval))
        while True:
            left = due - time.monotonic()
            pause = min(left, turns.pause(), self.probe.pause(), self.gc.pause())
            if self.committer.wait(max(0.0, pause)) or left <= 0:
                return
            turns.step()
            self.probe.step()
            self.gc.step(pool)
            self.board.head()[fields.TARGET] = pool.allowed

    def _climber(self, pool: Pool) -> Climber:
        """The climb of a pool that does the job's chunks together. Where lanes are processes, threads only wait."""
        node = self.node
        threads = node.backend.backend == "threads"
        slope = Slope(pool, self._limits, runnable_seconds if threads else lambda: None, lambda: self._memory.share)
        together = self.board.head()[fields.PHASE] == fields.TOGETHER and not (threads and node.gilwatch.on)
        return Climber(
            slope, structs.replace(self.threads, climbs=self.threads.climbs and together), self.board.threads
        )

    def conclusion(self) -> Ending:
        """How a shard whose every item is settled ended."""
        progress = self.ledger.progress
        rule = self.node.manifest.spec.failures
        if self._whole:
            final = judge_ended(rule, len(progress.failed), progress.items)
        else:
            final = judge_shard(rule, len(progress.failed), self.node.work.failed_elsewhere, self._total)
        return Ending("failed", final.reason) if final.failed else Ending("done", "every item is settled")

    def _over(self, pool: Pool, ended: bool) -> Ending | None:
        switch, progress = self.node.switch, self.ledger.progress
        failed = len(progress.failed) + self.node.work.failed_elsewhere
        verdict = judge_running(self.node.manifest.spec.failures, failed, self._total)
        if verdict.failed:
            pool.halt()
            return Ending("failed", verdict.reason) if ended or switch.overdue() else None
        if not switch.stopped or not (ended or switch.overdue()):
            return None
        if switch.replacing:
            return Ending("replaced", switch.reason or "", pool.stack_of(switch.left_behind))
        if progress.complete and not self.node.work.retry_failed:
            return self.conclusion()
        return Ending("interrupted", switch.reason or "stopped before the end")

    def _follow(self, pool: Pool, climber: Climber) -> None:
        """Let the threads follow the quota and the memory."""
        node = self.node
        decision = self._quota.allowed()
        if decision is not None and self.board.head()[fields.PHASE] == fields.TOGETHER:
            node.warnings.append(f"the CPU quota changed: {decision.threads} threads ({decision.reason})")
            self._allow(pool, decision.threads)
            climber.restart(decision)
        advice = self._memory.look(pool.allowed)
        if advice is None:
            return
        node.warnings.append(advice.reason)
        if advice.threads:
            self._allow(pool, advice.threads)
        else:
            node.switch.replace(-1, advice.reason)

    def _allow(self, pool: Pool, threads: int) -> None:
        threads = min(threads, self.board.threads)
        pool.allow(threads)
        self.board.head()[fields.TARGET] = threads


def _check_gil(node: Node, spec: JobSpec) -> None:
    if node.backend.backend != "threads" or not node.gilwatch.on:
        return
    culprit = node.gilwatch.culprit
    what = f"importing {culprit} turned the GIL on" if culprit else "the GIL was turned on"
    if spec.runtime.free_threading == "required":
        raise GilError(
            f"{what} while the job ran, and the job requires it off",
            where="runtime.free_threading",
            hint="Import it at the top of the task's file to have it refused at once; look for a release of it that "
            "is made for free-threaded Python, or set runtime.free_threading: preferred.",
        )
    warning = f"{what}: Python code of the threads runs one at a time"
    if warning not in node.warnings:
        node.warnings.append(warning)
