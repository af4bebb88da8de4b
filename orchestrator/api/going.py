"""One run over items in memory, from its first chunk to what is given back.

Guarantees: results stand in input order; what was done before an early end (Ctrl-C, an exception) is in the attribute
`ran` of what is raised, and Ctrl-C cannot come between a result and its place. Assumes: a thread whose item does not
come back within five seconds of Ctrl-C, or before a second one, may be left behind; it ends with the process.
"""

import time
from collections.abc import Callable
from typing import Any

from msgspec import structs

from orchestrator.api.asked import Asked, gil_culprit
from orchestrator.api.gathering import Gathering
from orchestrator.api.held import Held
from orchestrator.api.interrupts import Interrupts
from orchestrator.api.ran import Ran, Report
from orchestrator.api.shown import Shown
from orchestrator.engine import board as fields
from orchestrator.engine.board import Board
from orchestrator.engine.build import ThreadLane
from orchestrator.engine.drive import Ending
from orchestrator.engine.nodereport import Decided, Done, Sample, report_of
from orchestrator.engine.pool import Pool
from orchestrator.engine.quotawatch import QuotaWatch
from orchestrator.errors import TaskError
from orchestrator.host.cgroups import find_cpu_limits
from orchestrator.host.interpreter import gil_enabled
from orchestrator.measure.usage import PauseWatch
from orchestrator.spec.model import Resources
from orchestrator.tasks.api import Fold

_TICK = 0.1
_GRACE = 5.0
_MOST_GROWN = 4


class Going:
    """A pool over held items, and the calling thread's part in it."""

    def __init__(
        self, asked: Asked, held: Held, decided: Decided, make_lane: Callable[[Board, int], ThreadLane]
    ) -> None:
        self._asked = asked
        self._held = held
        self._decided = decided
        self._gathering = Gathering(held)
        count = decided.threads.threads
        # Nobody starts more threads than there are items.
        self._threads = count if held.count is None else max(1, min(count, held.count))
        self._board = board = Board.private(max(count * _MOST_GROWN, count + 4))
        head = board.head()
        head[fields.TARGET] = self._threads
        head[fields.TOTAL_ITEMS] = fields.UNKNOWN if held.count is None else held.count
        self._quota = QuotaWatch(Resources(threads=asked.threads), decided.threads)
        self._deadline: float | None = None
        self._pool = Pool(
            make_lane=lambda index: make_lane(board, index),
            dispenser=held.dispenser(self._threads),
            deliver=self._gathering.offer,
            on_end=self._gathering.poke,
            lines=board.line,
        )

    @property
    def ended(self) -> bool:
        """Whether every thread has ended."""
        return self._pool.ended

    def run(self, fold: Fold | None) -> Ran[Any]:
        """Do all items, and say what came of them.

        Raises:
            BaseException: what ended it early; its attribute `ran` is what was done.
        """
        with Interrupts() as interrupts:
            before, pauses = Sample.now(find_cpu_limits()), PauseWatch()
            pauses.start()
            shown = Shown(self._asked.progress, self._board)
            try:
                self._drive(interrupts, shown)
            finally:
                self._pool.halt()
                heard = pauses.stop()
                shown.ended()
            self._gathering.close()
            result, error = self._result(fold, self._early_end(interrupts))
            done = Done(
                ending=_ending(error),
                complete=error is None,
                items=self._gathering.items,
                nbytes=0,
                failed=len(self._gathering.failures),
                commits=0,
                records=self._pool.records,
                pauses=heard,
            )
            ran = self._ran(Report.of(report_of(self._decided_by_now(), before, done)), result, fold)
            error = error or self._early_end(interrupts)
        if error is None:
            return ran
        error.ran = ran  # type: ignore[attr-defined]
        error.add_note(f"What was done is in this exception's attribute `ran`: {ran!r}")
        raise error

    def _drive(self, interrupts: Interrupts, shown: Shown) -> None:
        pool, gathering = self._pool, self._gathering
        self._allow(self._threads)
        while not pool.ended:
            gathering.wait(_TICK)
            shown.tick()
            if interrupts.count or (gathering.failures and self._asked.on_error == "raise"):
                pool.halt()
                if self._overdue(interrupts):
                    return
            elif not pool.stop.is_set():
                self._follow()

    def _overdue(self, interrupts: Interrupts) -> bool:
        """Whether threads that still run are not to be waited for."""
        if not interrupts.count:
            return False
        if self._deadline is None:
            self._deadline = time.monotonic() + _GRACE
        return interrupts.count > 1 or time.monotonic() >= self._deadline

    def _follow(self) -> None:
        """Let the threads follow the quota."""
        decision = self._quota.allowed()
        if decision is not None and self._held.count != 1:
            self._decided.warnings.append(f"the CPU quota changed: {decision.threads} threads ({decision.reason})")
            self._allow(min(decision.threads, self._board.threads))

    def _allow(self, threads: int) -> None:
        try:
            self._pool.allow(threads)
        except RuntimeError:
            # Where the system gives no more threads, those that there are do it.
            if not self._pool.allowed:
                raise
            self._decided.warnings.append(f"no more than {self._pool.allowed} threads could be started")
        self._board.head()[fields.TARGET] = self._pool.allowed

    def _early_end(self, interrupts: Interrupts) -> BaseException | None:
        """What ended it before its end, if something did."""
        if interrupts.count:
            return KeyboardInterrupt()
        if self._pool.error is not None or self._held.error is not None:
            return self._pool.error or self._held.error
        if self._gathering.failures and self._asked.on_error == "raise":
            return self._gathering.failures[0].error
        return None

    def _result(self, fold: Fold | None, error: BaseException | None) -> tuple[Any, BaseException | None]:
        """A fold's result, and what ended the run early: perhaps the fold's last step."""
        if fold is None:
            return None, error
        try:
            return self._gathering.folded(fold), error
        except TaskError as raised:
            return None, error or raised

    def _decided_by_now(self) -> Decided:
        """What was decided, and whether the GIL came on since then."""
        decided, culprit = self._decided, gil_culprit()
        if gil_enabled() and not decided.backend.warnings:
            what = f"importing {culprit} turned the GIL on" if culprit else "the GIL was turned on"
            decided.warnings.append(f"{what} meanwhile: Python code of the threads runs one at a time")
        return structs.replace(decided, gil_culprit=culprit)

    def _ran(self, report: Report, result: Any, fold: Fold | None) -> Ran[Any]:
        gathering = self._gathering
        results = gathering.results() if fold is None else []
        return Ran(results, result, gathering.failures, report, gathering.left())


def _ending(error: BaseException | None) -> Ending:
    if error is None:
        return Ending("done", "every item is settled")
    if isinstance(error, KeyboardInterrupt):
        return Ending("interrupted", "stopped by Ctrl-C")
    return Ending("failed", f"{type(error).__name__}: {error}")
