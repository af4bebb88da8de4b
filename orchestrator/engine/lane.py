"""One thread's lane: from a chunk, over its items and their retries, to the outcome that is committed.

Guarantees: a chunk gives exactly one outcome, once every item of it has a result or has failed for good; an item that
waits for its retry does not hold up the lane. Everything here belongs to one thread. Assumes: reading a chunk again
gives the same items in the same order.
"""

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orchestrator.engine import board
from orchestrator.engine.dispenser import Chunk
from orchestrator.engine.items import HOLE, run_batches, run_each, run_one
from orchestrator.engine.outcome import WHOLE_CHUNK, ItemFailure, Outcome
from orchestrator.engine.pace import Pace
from orchestrator.engine.segments import Segment, describe, encode_segment
from orchestrator.engine.sinks import Sink
from orchestrator.errors import InputError
from orchestrator.inputs.base import Batch, Piece, Reader
from orchestrator.run.plan import PlanReader
from orchestrator.spec.model import Retry


@dataclass(frozen=True, slots=True)
class Calling:
    """How this lane calls the task: the bound function, its batch size if it has a batch form, and the retry rule."""

    call: Callable[[Any], Any]
    batch: int | None
    retry: Retry


class Unsettled:
    """A chunk some of whose items wait for a retry."""

    __slots__ = ("attempt", "chunk", "nbytes", "segments")

    def __init__(self, chunk: Chunk) -> None:
        self.chunk = chunk
        self.attempt = 1
        self.nbytes = 0
        self.segments: list[Segment] = []

    @property
    def waiting(self) -> bool:
        """Whether an item is still to be tried again."""
        return any(segment.errors for segment in self.segments)


class Lane:
    """What a thread does with a chunk."""

    def __init__(self, plan: PlanReader, reader: Reader, calling: Calling, sink: Sink, line: memoryview[int]) -> None:
        self.pace = Pace()
        self._plan = plan
        self._reader = reader
        self._calling = calling
        self._sink = sink
        self._line = line
        self._waiting: list[tuple[float, int, Unsettled]] = []
        self._serial = 0

    @property
    def unsettled(self) -> int:
        """How many chunks wait for a retry."""
        return len(self._waiting)

    def next_due(self) -> float | None:
        """When the next retry is due (`time.monotonic`), or None."""
        return self._waiting[0][0] if self._waiting else None

    def run(self, chunk: Chunk) -> Outcome | None:
        """Do a chunk; its outcome, or None if items of it wait for a retry."""
        line = self._line
        line[board.LO], line[board.HI], line[board.ITEM], line[board.STATE] = (
            chunk.lo,
            chunk.hi,
            0,
            board.RUNNING,
        )
        started = time.perf_counter()
        work = Unsettled(chunk)
        self._fill(work)
        items = sum(segment.items for segment in work.segments)
        self.pace.note(chunk.hi - chunk.lo, items, work.nbytes, time.perf_counter() - started)
        return self._conclude(work)

    def settle(self) -> Outcome | None:
        """Try the items of a chunk that is due again; its outcome if that settled it."""
        if not self._waiting or self._waiting[0][0] > time.monotonic():
            return None
        work = heapq.heappop(self._waiting)[2]
        chunk, line = work.chunk, self._line
        line[board.LO], line[board.HI], line[board.ITEM], line[board.STATE] = (
            chunk.lo,
            chunk.hi,
            0,
            board.RUNNING,
        )
        work.attempt += 1
        for segment in work.segments:
            if segment.unread:
                work.segments.clear()
                self._fill(work)
                break
            self._try_again(segment)
        return self._conclude(work)

    def cpu_seconds(self) -> float:
        """CPU seconds that this thread has used."""
        return time.thread_time()

    def close(self) -> None:
        """Close the lane's reader."""
        self._reader.close()

    def _fill(self, work: Unsettled) -> None:
        chunk = work.chunk
        base = unreadable = 0
        work.nbytes = 0
        try:
            for batch in self._reader.read(self._plan.pieces(chunk.lo, chunk.hi)):
                segment = self._do_batch(chunk, batch, base, unreadable)
                base += len(batch.values)
                unreadable += len(batch.unreadable)
                work.nbytes += batch.nbytes
                work.segments.append(segment)
                if chunk.limit is not None and base >= chunk.limit:
                    break
        except (OSError, InputError) as error:
            work.segments[:] = [Segment.for_unread(_name(self._plan.pieces(chunk.lo, chunk.hi)), error)]

    def _do_batch(self, chunk: Chunk, batch: Batch, base: int, unreadable: int) -> Segment:
        values = batch.values
        if chunk.limit is not None and base + len(values) > chunk.limit:
            values = values[: chunk.limit - base]
        if chunk.only is not None and WHOLE_CHUNK not in chunk.only:
            return self._do_some(chunk.only, batch, base, unreadable)
        calling = self._calling
        if calling.batch is None:
            results, errors = run_each(calling.call, values, base, self._line)
        else:
            results, errors = run_batches(calling.call, values, base, self._line, calling.batch)
        if not errors and not batch.unreadable:
            return encode_segment(self._sink, Segment(base, batch.keys, results, {}, {}))
        keys = batch.keys()
        segment = Segment(base, lambda: keys, results, errors, {at: values[at] for at in errors})
        segment.note_unreadable(batch.unreadable, unreadable)
        return segment

    def _do_some(self, only: tuple[int, ...], batch: Batch, base: int, unreadable: int) -> Segment:
        values, keys = batch.values, batch.keys()
        chosen = [number for number in only if base <= number < base + len(values)]
        some = [keys[number - base] for number in chosen]
        segment = Segment(base, lambda: some, [HOLE] * len(chosen), {}, {})
        segment.numbers = chosen
        for at, number in enumerate(chosen):
            segment.values[at] = values[number - base]
            segment.errors[at] = RuntimeError("not tried yet")
        lost = [item for at, item in enumerate(batch.unreadable) if -1 - (unreadable + at) in only]
        segment.note_unreadable(lost, unreadable)
        self._try_again(segment)
        return segment

    def _try_again(self, segment: Segment) -> None:
        calling = self._calling
        for at in sorted(segment.errors):
            self._line[board.ITEM] = segment.number(at)
            try:
                segment.results[at] = run_one(calling.call, segment.values[at], calling.batch)
            except (Exception, SystemExit) as error:
                segment.errors[at] = error
            else:
                del segment.errors[at], segment.values[at]

    def _conclude(self, work: Unsettled) -> Outcome | None:
        retry = self._calling.retry
        final = work.attempt >= retry.attempts or all(segment.hopeless for segment in work.segments if segment.errors)
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
                detail = describe(failed, (chunk.lo, chunk.hi), work.attempt)
                failures.append(ItemFailure(detail, position + failed.at))
            tokens.append(done.token)
            position += sink.size(done.token)
        return Outcome(chunk.lo, chunk.hi, chunk.only, sink.join(tokens), items, work.nbytes, failures)


def _name(pieces: list[Piece]) -> str:
    if not pieces:
        return "an empty chunk"
    first = pieces[0]
    start = first.entry.start + first.lo
    name = first.entry.name.decode("utf-8", "backslashreplace")
    return f"{name}@{start}" if len(pieces) == 1 else f"{name}@{start} and {len(pieces) - 1} more"
