"""Turns the outcomes of all threads into parts and commits.

Guarantees: `offer` costs a thread one lock and one append; a commit names only bytes that the store already holds;
outcomes of one commit that lie side by side become one range. Where results are many, they wait for the commit in a
spool; when they come faster than the disk takes them, `offer` waits: memory stays bounded. Assumes: `wait` and `commit`
are called by one thread, the worker's main thread.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from msgspec import structs

from orchestrator.engine.outcome import WHOLE_CHUNK, Outcome
from orchestrator.engine.part import Part, Token, length
from orchestrator.engine.spool import Spool, Spooled
from orchestrator.errors import TaskError
from orchestrator.run.ledger import Ledger
from orchestrator.run.progress import Progress
from orchestrator.run.records import Commit, FailedItem, Failure, Filled, Range
from orchestrator.store.base import Store
from orchestrator.tasks.api import Fold

WAKE_BYTES = 1 << 18
MOST_BYTES = 4 * WAKE_BYTES
COMMIT_BYTES = 64 << 20
"""So many bytes of results are committed before a second is over."""


class Committer:
    """The way from outcomes to the ledger.

    Attributes:
        eager: every outcome is committed at once, because the next item may kill the process.
        alert: one with a failure is committed at once, because the first failure ends the run.
    """

    def __init__(
        self, store: Store, ledger: Ledger, fold: Fold | None, flush: Callable[[], None] | None, spool: Spool
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._fold = fold
        self._flush = flush
        self.eager = False
        self.alert = False
        self._changed = threading.Condition()
        self._offered: list[Outcome] = []
        self._spool = spool
        self._spooled: list[Outcome] = []
        self._size = 0
        self._poked = False
        self._parts = 0

    def offer(self, outcome: Outcome) -> float:
        """Hand over an outcome; waits while too many bytes are waiting to be written. Gives the seconds it waited."""
        size = _weight(outcome)
        with self._changed:
            self._offered.append(outcome)
            self._size += size
            urgent = self.eager or (self.alert and bool(outcome.failures))
            if urgent:
                self._poked = True
            if self._size >= WAKE_BYTES or urgent:
                self._changed.notify_all()
            if self._size <= MOST_BYTES:
                return 0.0
            started = time.perf_counter()
            self._changed.wait_for(lambda: self._size <= MOST_BYTES)
            return time.perf_counter() - started

    def poke(self) -> None:
        """Have `wait` return at once: there is something to look at."""
        with self._changed:
            self._poked = True
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until the seconds are over, or there is a reason to commit: enough bytes, or `poke` was called; says
        whether there was one. Meanwhile results go from memory to the spool.

        Raises:
            StoreUnavailable: the spool cannot be written.
        """
        with self._changed:
            if not self._poked and self._size < WAKE_BYTES:
                self._changed.wait(seconds)
            pressing, self._poked = self._poked, False
            full = self._size >= WAKE_BYTES
        if full and self._fold is None:
            self._relieve()
            return pressing or self._spool.size >= COMMIT_BYTES
        return pressing or full

    def _relieve(self) -> None:
        """Let go of the memory of what was offered."""
        with self._changed:
            outcomes, self._offered = self._offered, []
        outcomes.sort(key=_place)
        held = [outcome for outcome in outcomes if isinstance(outcome.token, bytes)]
        places = self._spool.write([outcome.token for outcome in held])
        freed = sum(map(_weight, outcomes))
        self._spooled += map(_moved, held, places, strict=True)
        self._spooled += [outcome for outcome in outcomes if not isinstance(outcome.token, bytes)]
        with self._changed:
            self._size -= freed
            self._changed.notify_all()

    def commit(self) -> Commit | None:
        """Write what was offered since the last time, and commit it; None if nothing was.

        Raises:
            StoreUnavailable: it cannot be written.
            Fenced: a newer process owns the shard.
        """
        with self._changed:
            offered, self._offered = self._offered, []
        outcomes, self._spooled = self._spooled + offered, []
        if not outcomes:
            return None
        if self._flush is not None:
            self._flush()
        outcomes.sort(key=_place)
        try:
            return self._ledger.append(self._builder(outcomes))
        finally:
            self._spool.clear()
            with self._changed:
                self._size -= sum(map(_weight, offered))
                self._changed.notify_all()

    def _builder(self, outcomes: list[Outcome]) -> Callable[[Progress], Commit | None]:
        """What builds the commit, again where another owner's came first; then from copies: merging may change them."""
        copies = [] if self._fold is None else [encode_accumulator(outcome.token) for outcome in outcomes]
        taken = iter([outcomes])

        def build(progress: Progress) -> Commit | None:
            fresh = next(taken, None) or _renewed(outcomes, copies)
            return self._build(progress, fresh)

        return build

    def _build(self, progress: Progress, outcomes: list[Outcome]) -> Commit | None:
        first = [item for item in outcomes if item.retried is None and not progress.covers(item.lo, item.hi)]
        again = [item for item in outcomes if item.retried and (item.lo, item.hi, item.retried[0]) in progress.failed]
        if not first and not again:
            return None
        part = Part(self._ledger.part_name(self._parts), self._spool)
        ranges = [self._range(part, run) for run in _side_by_side(first)]
        good = [item for item in again if item.made]
        filled = [self._filled(part, item) for item in good]
        bad = [item for item in again if not item.made]
        failures = [failed.detail for item in (*first, *good) for failed in item.failures]
        failures += [structs.replace(item.failures[0].detail, index=item.number) for item in bad]
        if part.size:
            self._store.put(part.name, part)
        commit = Commit(
            epoch=self._ledger.epoch or 0,
            ranges=ranges,
            filled=filled,
            refailed=[FailedItem(item.lo, item.hi, item.number, 0) for item in bad],
            failures=self._write_failures(failures),
        )
        self._parts += 1
        return commit

    def _range(self, part: Part, run: Sequence[Outcome]) -> Range:
        failed: list[FailedItem] = []
        position = 0
        for outcome in run:
            failed += outcome.failed(position)
            position += 0 if self._fold else length(outcome.token)
        return Range(
            lo=run[0].lo,
            hi=run[-1].hi,
            items=sum(outcome.items for outcome in run),
            nbytes=sum(outcome.nbytes for outcome in run),
            blobs=part.add(self._tokens(run)),
            failed=failed,
        )

    def _filled(self, part: Part, item: Outcome) -> Filled:
        more = item.items - 1 if item.number == WHOLE_CHUNK else 0  # the chunk itself was counted as one
        return Filled(item.lo, item.hi, item.number, part.add(self._tokens([item])), item.failed(0), more)

    def _tokens(self, run: Sequence[Outcome]) -> list[Token]:
        if self._fold is None:
            return [outcome.token for outcome in run]
        merged: Any = run[0].token
        for outcome in run[1:]:
            merged = self._fold.merge(merged, outcome.token)
        return [encode_accumulator(merged)]

    def _write_failures(self, failures: list[Failure]) -> str | None:
        if not failures:
            return None
        name = self._ledger.part_name(self._parts, ".failures")
        self._store.put(name, [msgspec.json.Encoder().encode_lines(failures)])
        return name


def encode_accumulator(accumulator: Any) -> bytes:
    """A fold's accumulator as the ledger keeps it.

    Raises:
        TaskError: it is not plain data.
    """
    try:
        return msgspec.json.encode(accumulator)
    except (TypeError, ValueError, RecursionError) as error:
        raise TaskError(
            f"the fold's accumulator cannot be stored as JSON: {error}",
            hint="Build it of dicts, lists, strings and numbers, and make the final value in finish=.",
        ) from error


def _renewed(outcomes: list[Outcome], copies: list[bytes]) -> list[Outcome]:
    """The outcomes with the accumulators that they had."""
    if not copies:
        return outcomes
    return [structs.replace(item, token=msgspec.json.decode(copy)) for item, copy in zip(outcomes, copies, strict=True)]


def _side_by_side(outcomes: Iterable[Outcome]) -> list[list[Outcome]]:
    runs: list[list[Outcome]] = []
    for outcome in outcomes:
        if runs and runs[-1][-1].hi == outcome.lo:
            runs[-1].append(outcome)
        else:
            runs.append([outcome])
    return runs


def _place(outcome: Outcome) -> tuple[int, tuple[int, ...]]:
    return outcome.lo, outcome.retried or ()


def _moved(outcome: Outcome, place: Spooled) -> Outcome:
    return structs.replace(outcome, token=place)


def _weight(outcome: Outcome) -> int:
    return len(outcome.token) if isinstance(outcome.token, bytes) else 1 << 14
