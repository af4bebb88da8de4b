"""Where the threads of a run in memory leave their outcomes, and what is made of them at the end.

Guarantees: an outcome that was taken in stands in the results; after `close` none is taken in any more, so that what
`Ran` tells does not change. Assumes: `offer` is called by the pool's threads, everything else by the calling thread.
"""

import threading
from collections.abc import Sequence
from typing import Any

import msgspec

from orchestrator.api.held import Held
from orchestrator.api.ran import Failed
from orchestrator.engine.outcome import Outcome
from orchestrator.engine.segments import FailedAt
from orchestrator.engine.sinks import FoldSink
from orchestrator.errors import TaskError
from orchestrator.run.records import Failure
from orchestrator.spec.keys import Key
from orchestrator.tasks.api import Fold


class Caught(Failure, frozen=True):
    """What failed, with the exception itself."""

    exception: BaseException

    @classmethod
    def of(cls, told: Failure, failed: FailedAt) -> Caught:
        """The same with the exception, which then holds no frame of the engine, and so none of its lists of items."""
        error, frames = failed.error, failed.error.__traceback__
        while frames is not None and "/orchestrator/engine/" in frames.tb_frame.f_code.co_filename:
            frames = frames.tb_next
        return cls(**msgspec.structs.asdict(told), exception=error.with_traceback(frames))


class ListSink:
    """Tokens are the results themselves."""

    needs_keys = False
    discards = False

    def encode(self, keys: Sequence[Key], results: Sequence[Any]) -> list[Any]:  # noqa: ARG002
        """The results."""
        return results if type(results) is list else list(results)

    def join(self, tokens: Sequence[list[Any]]) -> list[Any]:
        """The results one after the other."""
        return tokens[0] if len(tokens) == 1 else [result for token in tokens for result in token]

    def size(self, token: list[Any]) -> int:
        """How many results: so a failure's place is one in the list of results."""
        return len(token)

    def discard(self, keys: Sequence[Key]) -> None:
        """Nothing was written."""


class Gathering:
    """The outcomes of a run.

    Attributes:
        failures: the items that failed, in the order in which they did.
    """

    def __init__(self, held: Held) -> None:
        self.failures: list[Failed] = []
        self._held = held
        self._outcomes: list[Outcome] = []
        self._closed = False
        self._lock = threading.Lock()
        self._woken = threading.Event()

    @property
    def items(self) -> int:
        """How many items are settled, failed ones included."""
        return sum(outcome.items for outcome in self._outcomes)

    def offer(self, outcome: Outcome) -> None:
        """Take an outcome in."""
        failed = [self._failed(outcome.lo, found.detail) for found in outcome.failures]
        with self._lock:
            if self._closed:
                return
            self._outcomes.append(outcome)
            self.failures += failed
            self._held.settled(outcome.lo)
        if failed:
            self.poke()

    def _failed(self, lo: int, told: Failure) -> Failed:
        assert isinstance(told, Caught)
        item = self._held.values(lo, told.chunk[1])[told.index]
        return Failed(lo + told.index, item, told.exception, told.attempts, told.traceback)

    def poke(self) -> None:
        """Have `wait` return: there is something to look at."""
        self._woken.set()

    def wait(self, seconds: float) -> None:
        """Wait until there is something to look at, or the seconds are over."""
        self._woken.wait(seconds)
        self._woken.clear()

    def close(self) -> None:
        """Take nothing in any more."""
        with self._lock:
            self._closed = True
        self._outcomes.sort(key=lambda outcome: outcome.lo)
        self.failures.sort(key=lambda failed: failed.index)

    def left(self) -> list[tuple[int, Sequence[Any]]]:
        """What was read and not done, each stretch with where it starts."""
        return self._held.missing((outcome.lo, outcome.hi) for outcome in self._outcomes)

    def results(self) -> list[Any]:
        """The results in input order, None where there is none."""
        results: list[Any] = []
        for outcome in self._outcomes:
            if outcome.lo > len(results):
                results.extend([None] * (outcome.lo - len(results)))
            if not outcome.failures:
                results.extend(outcome.token)
                continue
            start = 0
            for failed in outcome.failures:
                results.extend(outcome.token[start : failed.at])
                results.append(None)
                start = failed.at
            results.extend(outcome.token[start:])
        missing = max((lo + len(items) for lo, items in self.left()), default=0) - len(results)
        results.extend([None] * missing)
        return results

    def folded(self, fold: Fold) -> Any:
        """The accumulators merged in input order, and finished.

        Raises:
            TaskError: the fold raised.
        """
        try:
            total = FoldSink(fold).join([fold.zero(), *(outcome.token for outcome in self._outcomes)])
            return total if fold.finish is None else fold.finish(total)
        except Exception as error:
            raise TaskError(f"the fold's merge or finish raised {type(error).__name__}: {error}") from error
