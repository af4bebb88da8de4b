"""One worker's work on a shard: claims it, runs the pool, commits every second, and says how it ended.

Guarantees: what a commit names is done, and nothing else is; the shard is left resumable however this ends. Assumes:
one call in a process, from its main thread.
"""

from collections.abc import Callable
from pathlib import Path

from orchestrator.engine import board as fields
from orchestrator.engine.anylane import AnyLane
from orchestrator.engine.board import Board
from orchestrator.engine.committer import Committer
from orchestrator.engine.dispenser import Chunk, Dispenser
from orchestrator.engine.drive import Drive, Ending, Node
from orchestrator.engine.nodereport import Measured, make_report
from orchestrator.engine.pool import Pool
from orchestrator.engine.protocol import Work
from orchestrator.engine.spool import Spool
from orchestrator.host.cgroups import find_cpu_limits
from orchestrator.host.cpus import MOST_A_CPU
from orchestrator.measure.node import NodeReport
from orchestrator.outputs.tree import flush, sweep_temporaries
from orchestrator.run.ledger import Ledger
from orchestrator.run.plan import PlanIndex, PlanReader, read_index, shard_totals
from orchestrator.run.scratch import board_path, scratch_of
from orchestrator.store.local import unavailable
from orchestrator.store.places import is_url

_MOST_FRUITLESS = 3


def board_of(work: Work) -> Path:
    """Where the status board of some work lies."""
    return Path(work.board) if work.board else board_path(work.run, work.shard)


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
    flusher = None
    if node.manifest.output_format == "tree" and not is_url(node.work.output):
        flusher = _flusher(node)
        sweep_temporaries(Path(node.work.output))
    committer = Committer(node.store, ledger, node.fold, flusher, Spool(scratch_of(node.work.run)))
    committer.alert = node.manifest.spec.failures.policy == "stop"
    measured = Measured.start(ledger, find_cpu_limits())
    drive = Drive(node, committer, ledger, board)
    drive.settle_total(index)
    ending = _run_phases(drive, index, lanes(board))
    return make_report(drive, measured, ending)


def _run_phases(drive: Drive, index: PlanIndex, make_lane: Callable[[int], AnyLane]) -> Ending:
    """First the suspects, alone; then what is missing, together, until nothing is."""
    node, ledger, board = drive.node, drive.ledger, drive.board
    trials = _trials(node, ledger)
    if trials:
        board.head()[fields.PHASE] = fields.ALONE
        drive.committer.eager = True
        ending = drive.run(_pool(drive, make_lane, Dispenser(PlanReader(node.store, index), [], trials, 1)), 1)
        drive.committer.eager = False
        if ending is not None:
            return ending
        board.head()[fields.PHASE] = fields.TOGETHER
    retries = _retries(node, ledger)
    for _ in range(_MOST_FRUITLESS):
        gaps = ledger.progress.missing()
        dispenser = Dispenser(PlanReader(node.store, index), gaps, retries, node.work.threads.threads)
        ending = drive.run(_pool(drive, make_lane, dispenser), node.work.threads.threads)
        if ending is not None:
            return ending
        retries = []
        if ledger.progress.complete:
            return drive.conclusion()
    return Ending("interrupted", "items were left over again and again; please report it")


def _pool(drive: Drive, make_lane: Callable[[int], AnyLane], dispenser: Dispenser) -> Pool:
    pool = Pool(make_lane, dispenser, drive.committer.offer, drive.committer.poke, drive.board.line)
    pool.on_allow = dispenser.share_among
    return pool


def _trials(node: Node, ledger: Ledger) -> list[Chunk]:
    """The chunks to run alone: whole, or only the failed item that a retry was running."""
    chunks: list[Chunk] = []
    for trial in node.work.trials:
        if (trial.lo, trial.hi, trial.suspect) in ledger.progress.failed and node.work.retry_failed:
            chunks.append(Chunk(trial.lo, trial.hi, only=(trial.suspect,), poison=trial.poison))
        elif not ledger.progress.covers(trial.lo, trial.hi):
            chunks.append(Chunk(trial.lo, trial.hi, poison=trial.poison))
    return chunks


def _make_board(node: Node, index: PlanIndex, ledger: Ledger) -> Board:
    threads = node.work.threads.threads
    path = board_of(node.work)
    try:
        board = Board.create(path, max(threads * MOST_A_CPU, threads + 4))
    except OSError as error:
        raise unavailable(path, error) from error
    head = board.head()
    head[fields.TARGET] = threads
    total_items, total_bytes = shard_totals(index, node.work.shard)
    head[fields.TOTAL_ITEMS] = fields.UNKNOWN if total_items is None else total_items
    head[fields.TOTAL_BYTES] = total_bytes or fields.UNKNOWN
    head[fields.DONE_ITEMS], head[fields.DONE_BYTES] = ledger.progress.items, ledger.progress.nbytes
    return board


def _retries(node: Node, ledger: Ledger) -> list[Chunk]:
    if not node.work.retry_failed:
        return []
    tried = {(trial.lo, trial.hi, trial.suspect) for trial in node.work.trials}
    return [Chunk(*address[:2], only=address[2:]) for address in sorted(ledger.progress.failed) if address not in tried]


def _flusher(node: Node) -> Callable[[], None]:
    root = Path(node.work.output)
    return lambda: flush(root)
