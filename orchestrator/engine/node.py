"""One worker's work on a shard: claims it, runs the pool, commits every second, and says how it ended.

Guarantees: what a commit names is done, and nothing else is; the shard is left resumable however this ends. Assumes:
one call in a process, from its main thread.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.engine import board as fields
from orchestrator.engine.board import Board
from orchestrator.engine.committer import Committer
from orchestrator.engine.dispenser import Chunk, Dispenser
from orchestrator.engine.gilwatch import GilWatch
from orchestrator.engine.nodereport import Measured, make_report
from orchestrator.engine.pool import AnyLane, Pool
from orchestrator.engine.protocol import Work
from orchestrator.engine.stopping import StopSwitch
from orchestrator.engine.verdict import Verdict, judge_ended, judge_running
from orchestrator.errors import GilError
from orchestrator.host.cgroups import CpuLimits, find_cpu_limits
from orchestrator.host.cpus import CpuFacts, ThreadDecision, cpu_facts, decide_threads
from orchestrator.host.interpreter import BackendDecision, gil_enabled
from orchestrator.measure.node import NodeReport
from orchestrator.measure.usage import PauseWatch
from orchestrator.outputs.tree import flush, sweep_temporaries
from orchestrator.run.folder import Manifest
from orchestrator.run.ledger import Ledger
from orchestrator.run.plan import PlanIndex, PlanReader, read_index
from orchestrator.spec.model import JobSpec
from orchestrator.store.base import Store
from orchestrator.tasks.api import Fold

COMMIT_SECONDS = 1.0
_MOST_GROWN = 4


@dataclass(slots=True)
class Node:
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


def board_path(run: Path, shard: int) -> Path:
    """Where a shard's status board lies."""
    return run / "shards" / str(shard) / "board"


def run_node(node: Node, lanes: Callable[[Board], Callable[[int], AnyLane]]) -> NodeReport:
    """Do what is missing of the shard, and report.

    Args:
        node: the run and what was decided for it.
        lanes: gives, for a board, what makes the lane of a thread.

    Raises:
        Fenced: another process took the shard over.
        StoreUnavailable: the store cannot be written.
        GilError: the GIL came on, and the job requires it off.
        RunDamaged: the plan or the ledger cannot be read.
    """
    index = read_index(node.store)
    lo, hi = index.shards[node.work.shard], index.shards[node.work.shard + 1]
    ledger = Ledger(node.store, node.work.shard, lo, hi)
    ledger.claim()
    board = _make_board(node, index, ledger)
    spec = node.manifest.spec
    flusher = None
    if node.manifest.output_format == "tree":
        flusher = _flusher(node)
        sweep_temporaries(Path(node.work.output))
    committer = Committer(node.store, ledger, node.fold, flusher)
    dispenser = Dispenser(
        PlanReader(node.store, index),
        ledger.progress.missing(),
        _retries(node, ledger),
        node.work.threads.threads,
    )
    pool = Pool(lanes(board), dispenser, committer.offer, committer.poke, board.line)
    measured = Measured.start(ledger, find_cpu_limits())
    pauses = PauseWatch()
    _settle_gc(spec, pauses)

    def stop() -> None:
        pool.halt()
        committer.poke()

    node.switch.attach(stop)
    pool.allow(node.work.threads.threads)
    ending = _drive(node, pool, committer, ledger, board)
    return make_report(node, measured, pool, pauses.stop(), ending)


def _drive(node: Node, pool: Pool, committer: Committer, ledger: Ledger, board: Board) -> tuple[str, str]:
    """The main thread's loop: a commit a second, and a look at what may have changed."""
    spec, total = node.manifest.spec, board.read().total_items
    quota = _QuotaWatch(spec, node.work.threads)
    while True:
        committer.wait(COMMIT_SECONDS)
        ended = pool.ended
        if committer.commit() is not None:
            node.commits += 1
        if pool.error is not None:
            raise pool.error
        _check_gil(node, spec)
        failed = len(ledger.progress.failed)
        verdict = judge_running(spec.failures, failed, None if total == fields.UNKNOWN else total)
        if verdict.failed:
            pool.halt()
        if ended or node.switch.overdue():
            return _ending(node, ledger, verdict)
        if pool.stop.is_set():
            continue
        allowed = quota.allowed()
        if allowed is not None:
            node.warnings.append(
                f"the CPU quota changed while the job ran: {allowed.threads} threads ({allowed.reason})"
            )
            pool.allow(min(allowed.threads, board.threads))
            board.head()[fields.TARGET] = min(allowed.threads, board.threads)


def _ending(node: Node, ledger: Ledger, verdict: Verdict) -> tuple[str, str]:
    spec, progress = node.manifest.spec, ledger.progress
    if verdict.failed:
        return "failed", verdict.reason
    if not progress.complete or (node.switch.stopped and node.work.retry_failed):
        return "interrupted", node.switch.reason or "stopped before the end"
    final = judge_ended(spec.failures, len(progress.failed), progress.items)
    return ("failed", final.reason) if final.failed else ("done", "every item is settled")


def _check_gil(node: Node, spec: JobSpec) -> None:
    if node.backend.backend != "threads" or not gil_enabled():
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


class _QuotaWatch:
    """Reads the CPU quota again at each commit, and decides anew when it is another one."""

    def __init__(self, spec: JobSpec, decided: ThreadDecision) -> None:
        self._spec = spec
        self._threads = decided.threads
        self._limits: CpuLimits = find_cpu_limits()
        self._facts = cpu_facts()

    def allowed(self) -> ThreadDecision | None:
        quota = self._limits.read()
        if quota == self._facts.quota:
            return None
        self._facts = CpuFacts(self._facts.affinity, quota, self._facts.core_of)
        resources = self._spec.resources
        if resources.threads != "auto":
            return None
        decision = decide_threads("auto", resources.profile, resources.rounding, {}, self._facts)
        changed = decision.threads != self._threads
        self._threads = decision.threads
        return decision if changed else None


def _make_board(node: Node, index: PlanIndex, ledger: Ledger) -> Board:
    threads = node.work.threads.threads
    board = Board.create(board_path(Path(node.work.run), node.work.shard), max(threads * _MOST_GROWN, threads + 4))
    head = board.head()
    head[fields.TARGET] = threads
    head[fields.TOTAL_ITEMS] = fields.UNKNOWN if index.items is None else index.items
    head[fields.TOTAL_BYTES] = index.bytes or fields.UNKNOWN
    head[fields.DONE_ITEMS], head[fields.DONE_BYTES] = ledger.progress.items, ledger.progress.nbytes
    return board


def _retries(node: Node, ledger: Ledger) -> list[Chunk]:
    if not node.work.retry_failed:
        return []
    return [Chunk(lo, hi, only=(number,)) for lo, hi, number in sorted(ledger.progress.failed)]


def _flusher(node: Node) -> Callable[[], None]:
    root = Path(node.work.output)
    return lambda: flush(root)


def _settle_gc(spec: JobSpec, pauses: PauseWatch) -> None:
    """What set-up made lives as long as the job: collections need not look at it again."""
    if spec.runtime.gc in ("auto", "freeze"):
        gc.collect()
        gc.freeze()
    elif spec.runtime.gc == "off":
        gc.disable()
    pauses.start()
