"""The items of a batch, run: each with a result, an error that may be tried again, or one that is final."""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from orchestrator.engine import board
from orchestrator.engine.dispenser import Chunk
from orchestrator.engine.expiry import Expiry, ItemTimeout
from orchestrator.engine.items import HOLE, Errors, end_if_stopped, run_batches, run_each, run_one
from orchestrator.engine.outcome import WHOLE_CHUNK
from orchestrator.engine.poison import Poison, Poisoned
from orchestrator.engine.segments import Segment, encode_segment
from orchestrator.engine.sinks import Sink
from orchestrator.errors import GilRefused
from orchestrator.inputs.base import Batch
from orchestrator.spec.model import Retry


class Calling(Struct, frozen=True):
    """How a lane calls the task: the bound function, its batch size if it has a batch form, and the retry rule."""

    call: Callable[[Any], Any]
    batch: int | None
    retry: Retry


class Executor:
    """Runs batches in one thread."""

    def __init__(self, calling: Calling, sink: Sink, line: memoryview[int], expiry: Expiry) -> None:
        self._calling = calling
        self._sink = sink
        self._line = line
        self._expiry = expiry

    def do_batch(self, chunk: Chunk, batch: Batch, base: int, unreadable: int) -> Segment:
        """Run a batch once.

        Args:
            chunk: the chunk it is part of.
            batch: its items.
            base: the number of the first one within the chunk.
            unreadable: how many items of earlier batches of the chunk could not be made.
        """
        if chunk.only is not None and WHOLE_CHUNK not in chunk.only:
            return self._do_some(chunk, batch, base, unreadable)
        values = batch.values
        results, errors = self._run_around(chunk.poison, values, base)
        if not errors and not batch.unreadable:
            return encode_segment(self._sink, Segment(base, batch.keys, results, {}, {}))
        _end_if_refused(errors)
        keys = batch.keys()
        segment = Segment(base, lambda: keys, results, errors, {at: values[at] for at in errors})
        segment.note_unreadable(enumerate(batch.unreadable, unreadable))
        self._explain_timeouts(chunk, segment)
        return segment

    def try_again(self, chunk: Chunk, segment: Segment) -> None:
        """Run the items of a segment that have an error which is not final."""
        calling = self._calling
        for at in [at for at, error in sorted(segment.errors.items()) if not isinstance(error, Poisoned)]:
            self._line[board.ITEM] = segment.number(at)
            try:
                segment.results[at] = run_one(calling.call, segment.values[at], calling.batch)
            except BaseException as error:
                end_if_stopped(error)
                segment.errors[at] = error
            else:
                del segment.errors[at], segment.values[at]
        _end_if_refused(segment.errors)
        self._explain_timeouts(chunk, segment)

    def _run_around(self, poison: tuple[Poison, ...], values: Sequence[Any], base: int) -> tuple[list[Any], Errors]:
        """Run the values, but for those that are poison."""
        results: list[Any] = []
        errors: Errors = {}
        start = 0
        for known in sorted(poison, key=lambda known: known.index):
            at = known.index - base
            if not 0 <= at < len(values):
                continue
            self._run_into(results, errors, values[start:at], base + start)
            errors[at] = Poisoned(known)
            results.append(HOLE)
            start = at + 1
        if not start:
            return self._run(values, base)
        self._run_into(results, errors, values[start:], base + start)
        return results, errors

    def _run_into(self, results: list[Any], errors: Errors, values: Sequence[Any], base: int) -> None:
        before = len(results)
        more, failed = self._run(values, base)
        results.extend(more)
        errors.update({before + at: error for at, error in failed.items()})

    def _run(self, values: Sequence[Any], base: int) -> tuple[list[Any], Errors]:
        calling = self._calling
        if calling.batch is None:
            return run_each(calling.call, values, base, self._line)
        return run_batches(calling.call, values, base, self._line, calling.batch)

    def _do_some(self, chunk: Chunk, batch: Batch, base: int, unreadable: int) -> Segment:
        """Run the chosen items alone, as the retry of failed ones does."""
        only, values, keys = chunk.only or (), batch.values, batch.keys()
        chosen = [number for number in only if base <= number < base + len(values)]
        some = [keys[number - base] for number in chosen]
        segment = Segment(base, lambda: some, [HOLE] * len(chosen), {}, {})
        segment.numbers = chosen
        poison = {known.index: known for known in chunk.poison}
        for at, number in enumerate(chosen):
            segment.values[at] = values[number - base]
            known = poison.get(number)
            segment.errors[at] = RuntimeError("not tried yet") if known is None else Poisoned(known)
        lost = enumerate(batch.unreadable, unreadable)
        segment.note_unreadable((at, item) for at, item in lost if -1 - at in only)
        self.try_again(chunk, segment)
        return segment

    def _explain_timeouts(self, chunk: Chunk, segment: Segment) -> None:
        """Make the item whose time was over poison; one that the exception hit too late is tried again."""
        for at, error in list(segment.errors.items()):
            if not isinstance(error, ItemTimeout):
                continue
            number = segment.number(at)
            if error.target == (chunk.lo, number):
                text = "it took longer than timeout.item and was ended"
                segment.errors[at] = Poisoned(Poison(number, "Timeout", text, error.stack, 1))


def _end_if_refused(errors: Errors) -> None:
    """End the lane, and so the run, where the task cannot do without a module that was refused to it.

    Raises:
        GilRefused: what an item raised.
    """
    for error in errors.values():
        if isinstance(error, GilRefused):
            raise error
