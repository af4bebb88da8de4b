"""One thread's lane: from a chunk, over its items and their retries, to the outcome that is committed.

Guarantees: a chunk gives exactly one outcome, once every item of it has a result or has failed for good; an item that
waits for its retry does not hold up the lane. Everything here belongs to one thread. Assumes: reading a chunk again
gives the same items in the same order.
"""

import heapq
import threading
import time
from typing import Any, Protocol

from orchestrator.engine import board
from orchestrator.engine.dispenser import Chunk
from orchestrator.engine.execution import Calling, Executor
from orchestrator.engine.expiry import Expiry, ItemTimeout
from orchestrator.engine.outcome import WHOLE_CHUNK, ItemFailure, Outcome
from orchestrator.engine.pace import Pace
from orchestrator.engine.poison import Poisoned
from orchestrator.engine.segments import FailedAt, Segment, describe, encode_segment, first_of
from orchestrator.engine.sinks import Sink
from orchestrator.engine.spill import Spill, held, moved, spilled
from orchestrator.engine.spool import Spool
from orchestrator.errors import InputError
from orchestrator.inputs.base import Piece, Reader
from orchestrator.run.records import Failure


class Plan(Protocol):
    """What tells a lane the stretches of input that its chunks stand for."""

    def pieces(self, lo: int, hi: int) -> list[Piece]:
        """The entries that [lo, hi) covers, each with the part of it that is meant."""
        ...


class Unsettled:
    """A chunk some of whose items wait for a retry."""

    __slots__ = ("attempt", "chunk", "held", "nbytes", "segments", "spool")

    def __init__(self, chunk: Chunk) -> None:
        self.chunk = chunk
        self.attempt = 1
        self.nbytes = 0
        self.segments: list[Segment] = []
        self.held = 0
        self.spool: Spool | None = None

    @property
    def waiting(self) -> bool:
        """Whether an item is still to be tried again."""
        return any(segment.waiting for segment in self.segments)


class Lane:
    """What a thread does with a chunk.

    Attributes:
        spill: where results go that are too many for memory; None where they stay there.
    """

    spill: Spill | None = None

    def __init__(self, plan: Plan, reader: Reader, calling: Calling, sink: Sink, line: memoryview[int]) -> None:
        self.pace = Pace()
        self._plan = plan
        self._reader = reader
        self._retry = calling.retry
        self._sink = sink
        self._line = line
        self._expiry = Expiry(line)
        self._executor = Executor(calling, sink, line, self._expiry)
        self._waiting: list[tuple[float, int, Unsettled]] = []
        self._serial = 0

    @property
    def unsettled(self) -> int:
        """How many chunks wait for a retry."""
        return len(self._waiting)

    @property
    def stack(self) -> str:
        """Where the thread was when its item was told to end."""
        return self._expiry.stack

    def expire(self, lo: int, item: int) -> bool:
        """End that item of that chunk, if this lane still runs it; says whether. For the controlling thread."""
        return self._expiry.expire(lo, item)

    def next_due(self) -> float | None:
        """When the next retry is due (`time.monotonic`), or None."""
        return self._waiting[0][0] if self._waiting else None

    def run(self, chunk: Chunk) -> Outcome | None:
        """Do a chunk; its outcome, or None if items of it wait for a retry."""
        started = time.perf_counter()
        work = self._filled(Unsettled(chunk))
        items = sum(segment.items for segment in work.segments)
        units, seconds = chunk.hi - chunk.lo, time.perf_counter() - started
        self.pace.note(units, items, work.nbytes, seconds)
        if chunk.only is None:
            self.pace.costs.note(chunk.lo, units, seconds)
        outcome = self._conclude(work)
        self.pace.leave_mark(time.perf_counter(), time.thread_time())
        return outcome

    def settle(self) -> Outcome | None:
        """Try the items of a chunk that is due again; its outcome if that settled it."""
        if not self._waiting or self._waiting[0][0] > time.monotonic():
            return None
        work = heapq.heappop(self._waiting)[2]
        work.attempt += 1
        if any(segment.unread for segment in work.segments):
            return self._conclude(self._filled(work))
        self._enter(work.chunk)
        try:
            for segment in work.segments:
                self._executor.try_again(work.chunk, segment)
            self._expiry.leave()
        except ItemTimeout:
            # It came between two items: nobody's time was over but this sweep's.
            work.attempt -= 1
            self._expiry.leave()
        return self._conclude(work)

    @property
    def place(self) -> str:
        """The folder of /proc that tells of the calling thread, whose lane this is."""
        return f"/proc/self/task/{threading.get_native_id()}"

    def cpu_seconds(self) -> float:
        """CPU seconds that this thread has used."""
        return time.thread_time()

    def close(self) -> None:
        """Close the lane's reader."""
        self._reader.close()

    def _enter(self, chunk: Chunk) -> None:
        line = self._line
        line[board.ITEM] = board.NO_ITEM
        line[board.LO], line[board.HI], line[board.STATE] = chunk.lo, chunk.hi, board.RUNNING

    def _filled(self, work: Unsettled) -> Unsettled:
        """The chunk with every item tried once."""
        self._enter(work.chunk)
        while True:
            try:
                self._fill(work)
                return work
            except ItemTimeout:
                # It came between two items; what was done of the chunk is done again.
                self._expiry.leave()
                self._discard(work)

    def _fill(self, work: Unsettled) -> None:
        chunk = work.chunk
        work.segments.clear()
        unreadable_chunk = [known for known in chunk.poison if known.index == WHOLE_CHUNK]
        if unreadable_chunk:
            name = _name(self._plan.pieces(chunk.lo, chunk.hi))
            work.segments.append(Segment.for_unread(name, Poisoned(unreadable_chunk[0])))
            return
        base = unreadable = 0
        work.nbytes = work.held = 0
        try:
            for whole in self._reader.read(self._plan.pieces(chunk.lo, chunk.hi)):
                batch = whole if chunk.limit is None else first_of(whole, chunk.limit - base - unreadable)
                segment = self._executor.do_batch(chunk, batch, base, unreadable)
                self._expiry.leave()
                base += len(batch.values)
                unreadable += len(batch.unreadable)
                work.nbytes += batch.nbytes
                work.segments.append(segment)
                # What comes next is reading, if anything.
                self._line[board.ITEM] = board.NO_ITEM
                self._relieve(work, segment)
                if chunk.limit is not None and base + unreadable >= chunk.limit:
                    break
        except (OSError, InputError) as error:
            self._discard(work)
            work.segments[:] = [Segment.for_unread(_name(self._plan.pieces(chunk.lo, chunk.hi)), error)]

    def _relieve(self, work: Unsettled, segment: Segment) -> None:
        """Take in a new segment; put results into a file once there are too many of them."""
        work.held += held(segment)
        if self.spill is not None and work.held >= self.spill.most:
            work.spool = work.spool or self.spill.spool()
            work.segments[:], work.held = moved(work.segments, work.spool), 0

    def _discard(self, work: Unsettled) -> None:
        """Take back what a reading that broke off wrote, or the next one would find it in its way."""
        if not self._sink.discards:
            return
        for segment in work.segments:
            if segment.token is not None:
                keys, failed = segment.keys(), {lost.key for lost in segment.failures}
                self._sink.discard([key for key in keys if key not in failed])

    def _conclude(self, work: Unsettled) -> Outcome | None:
        retry = self._retry
        final = work.attempt >= retry.attempts or all(segment.hopeless for segment in work.segments if segment.waiting)
        if work.waiting and not final:
            wait = min(retry.backoff.seconds * 2 ** (work.attempt - 1), retry.max_backoff.seconds)
            self._serial += 1
            heapq.heappush(self._waiting, (time.monotonic() + wait, self._serial, work))
            self._line[board.STATE] = board.WAITING
            return None
        outcome = self._outcome(work)
        line = self._line
        line[board.STATE] = board.IDLE
        line[board.ITEMS] += outcome.items if outcome.retried is None else 0
        line[board.BYTES] += outcome.nbytes
        line[board.FAILED] += len(outcome.failures)
        line[board.CHUNKS] += 1
        self.pace.note_results(outcome.hi - outcome.lo, self._sink.size(outcome.token))
        return outcome

    def _outcome(self, work: Unsettled) -> Outcome:
        chunk, sink = work.chunk, self._sink
        tokens: list[Any] = []
        failures: list[ItemFailure] = []
        position = items = 0
        for segment in work.segments:
            items += segment.items
            done = encode_segment(sink, segment)
            for failed in done.failures:
                detail = self._describe(failed, work)
                failures.append(ItemFailure(detail, position + failed.at))
            tokens.append(done.token)
            position += sink.size(done.token)
        token = sink.join(tokens) if work.spool is None else spilled(tokens, work.spool)
        return Outcome(chunk.lo, chunk.hi, chunk.only, token, items, work.nbytes, failures)

    def _describe(self, failed: FailedAt, work: Unsettled) -> Failure:
        """What the outcome tells of a failed item."""
        return describe(failed, (work.chunk.lo, work.chunk.hi), work.attempt)


def _name(pieces: list[Piece]) -> str:
    if not pieces:
        return "an empty chunk"
    first = pieces[0]
    start = first.entry.start + first.lo
    name = first.entry.name.decode("utf-8", "backslashreplace")
    return f"{name}@{start}" if len(pieces) == 1 else f"{name}@{start} and {len(pieces) - 1} more"
