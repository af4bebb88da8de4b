"""The worker's side of `ftorch scale`: windows of any number of threads, over a sample of the input again and again.

Guarantees: results are computed and encoded as in a run, and dropped; nothing is committed. Assumes: one call in a
process, from its main thread.
"""

import threading
from collections.abc import Callable
from pathlib import Path

from orchestrator.engine.anylane import AnyLane
from orchestrator.engine.board import Board
from orchestrator.engine.dispenser import Dispenser
from orchestrator.engine.gcwatch import settle_gc
from orchestrator.engine.outcome import Outcome
from orchestrator.engine.pool import Pool
from orchestrator.engine.protocol import Measured, Sweep
from orchestrator.engine.ramping import WARM_CHUNKS
from orchestrator.engine.sampler import Sampler, clock
from orchestrator.errors import InputError, TooManyFailed
from orchestrator.host.cgroups import find_cpu_limits
from orchestrator.measure.windows import Mark, Window
from orchestrator.run.plan import PlanReader, read_index
from orchestrator.run.records import Failure
from orchestrator.run.scratch import board_path
from orchestrator.spec.model import JobSpec
from orchestrator.store.base import Store
from orchestrator.store.local import unavailable

SHORTEST_ROUND = 0.1
"""The sample must keep the most threads busy for so many seconds, or chunks have not their proper size."""

_ROUNDS = 1 << 16
_LOOK_SECONDS = 0.02


def run_sweep(
    sweep: Sweep,
    store: Store,
    spec: JobSpec,
    lanes: Callable[[Board], Callable[[int], AnyLane]],
    tell: Callable[[Measured], None],
) -> None:
    """Measure the windows of a sweep.

    Args:
        sweep: what to measure.
        store: holds the plan of the sample.
        spec: the job.
        lanes: gives, for a board, what makes the lane of a thread.
        tell: is given each window.

    Raises:
        InputError: the sample is empty, or too short to measure.
        TooManyFailed: every item of it failed.
        StoreUnavailable: there is no room for the board.
    """
    index, most = read_index(store), max(sweep.order)
    if not index.units:
        raise InputError("the input is empty: there is nothing to measure")
    settle_gc(spec)
    board, tally = _make_board(Path(sweep.work.run), most), _Tally()
    dispenser = Dispenser(PlanReader(store, index), [(0, index.units)] * _ROUNDS, [], most)
    pool = Pool(lanes(board), dispenser, tally.take, tally.wake, board.line)
    pool.allow(most)
    _check_length(index.units, _warm_up(pool, most, tally), most)
    sampler = Sampler(pool, sweep.seconds, find_cpu_limits())
    for at, threads in enumerate(sweep.order):
        sampler.begin(threads, at * sweep.repeats // len(sweep.order), clock())
        window = _next_window(pool, sampler, tally)
        tally.check()
        tell(Measured(window, tally.items, tally.failed))
    pool.halt()
    pool.join(spec.timeout.grace.seconds)


class _Tally:
    """Takes the outcomes of all threads: counts them, keeps the first failure, and drops the results."""

    def __init__(self) -> None:
        self.items = 0
        self.failed = 0
        self._first: Failure | None = None
        self._changed = threading.Condition()

    def take(self, outcome: Outcome) -> None:
        """Count an outcome."""
        with self._changed:
            self.items += outcome.items
            self.failed += len(outcome.failures)
            if outcome.failures and self._first is None:
                self._first = outcome.failures[0].detail

    def wake(self) -> None:
        """A thread has ended."""
        with self._changed:
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait so long, or until a thread ends."""
        with self._changed:
            self._changed.wait(seconds)

    def check(self) -> None:
        """Refuse to measure what does nothing but fail.

        Raises:
            TooManyFailed: every item so far has.
        """
        with self._changed:
            first = self._first
            if first is None or self.failed < self.items:
                return
        raise TooManyFailed(
            f"every item failed, so there is nothing to measure; the first one, {first.key}: "
            f"{first.type}: {first.error}",
            hint="`ftorch submit JOB --limit 10` shows the tracebacks.",
        )


def _warm_up(pool: Pool, threads: int, tally: _Tally) -> float:
    """Let every thread do its first chunks; the units a second that all of them do after that."""
    warm: list[Mark] | None = None
    while True:
        marks = pool.marks(threads)
        if marks is None or min(mark.chunks for mark in marks) < WARM_CHUNKS:
            warm = None
        elif warm is None:
            tally.check()
            warm = marks
        elif all(
            now.chunks > then.chunks and now.at - then.at >= SHORTEST_ROUND
            for then, now in zip(warm, marks, strict=True)
        ):
            return sum((now.units - then.units) / (now.at - then.at) for then, now in zip(warm, marks, strict=True))
        _wait(pool, tally, _LOOK_SECONDS)


def _check_length(units: int, rate: float, threads: int) -> None:
    seconds = units / rate
    if seconds < SHORTEST_ROUND:
        raise InputError(
            f"too short to measure: {threads} threads do the whole sample in {1000 * seconds:.2g} ms, and it should "
            f"take them {1000 * SHORTEST_ROUND:.0f} ms at least",
            hint="Give the job more input, or raise --limit.",
        )


def _next_window(pool: Pool, sampler: Sampler, tally: _Tally) -> Window:
    while True:
        window = sampler.step(clock())
        if window is not None:
            return window
        _wait(pool, tally, sampler.pause(clock()))


def _wait(pool: Pool, tally: _Tally, seconds: float) -> None:
    """Wait; what ended the pool is raised."""
    tally.wait(seconds)
    if pool.error is not None:
        raise pool.error
    if pool.ended:
        raise InputError("the sample came to its end before every window was measured", hint="Raise --limit.")


def _make_board(run: Path, threads: int) -> Board:
    path = board_path(run, 0)
    try:
        return Board.create(path, threads)
    except OSError as error:
        raise unavailable(path, error) from error
