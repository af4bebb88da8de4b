"""Parts of the engine put together for a test: real ones, on a store in memory and a board in a file."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings

from orchestrator.engine.board import Board
from orchestrator.engine.committer import Committer
from orchestrator.engine.dispenser import Chunk
from orchestrator.engine.lane import Calling, Lane
from orchestrator.engine.outcome import Outcome
from orchestrator.engine.sinks import EncoderSink, FoldSink, Sink
from orchestrator.engine.spool import Spool
from orchestrator.inputs.base import Batch, Entry, Piece, Unreadable
from orchestrator.outputs.open import open_encoder
from orchestrator.run.collect import body
from orchestrator.run.ledger import Ledger
from orchestrator.run.plan import PlanReader, write_plan
from orchestrator.spec.model import Output, Retry
from orchestrator.spec.units import Duration
from orchestrator.store.base import Store
from orchestrator.store.memory import MemoryStore
from orchestrator.tasks.api import Fold

# A busy machine is no defect, and examples write files.
unhurried = settings(deadline=None, max_examples=50, suppress_health_check=list(HealthCheck))

AT_ONCE = Duration(0)


@dataclass(frozen=True)
class Item:
    """What the scripted input holds in one place: a good value, or one that cannot be made."""

    value: Any
    bad: bool = False


@dataclass
class Script:
    """A source whose axis counts places, each with one `Item`; its reader can be told to raise first.

    Attributes:
        items: what is in the places.
        unit: what the axis is said to count.
        batch: how many places a batch covers.
        raises: popped at each reading; what is not None is raised.
        after: how many batches are given before that.
        whole: the lengths of the entries, none of which may be cut; empty for one that may be.
    """

    items: Sequence[Item]
    unit: str = "byte"
    batch: int = 3
    raises: list[Exception | None] = field(default_factory=list)
    after: int = 0
    whole: Sequence[int] = ()

    def entries(self) -> Iterator[Entry]:
        start = 0
        for length in self.whole or [len(self.items)]:
            yield Entry(b"script", length, start=start, size=10, whole=bool(self.whole))
            start += length

    def notes(self) -> Sequence[str]:
        return ()

    def reader(self) -> Script:
        return self

    def close(self) -> None:
        """Nothing is kept open."""

    def read(self, pieces: Sequence[Piece]) -> Iterator[Batch]:
        error = self.raises.pop(0) if self.raises else None
        for given, (start, stop) in enumerate(self._spans(pieces)):
            if error is not None and given >= self.after:
                raise error
            yield self._batch(start, stop)
        if error is not None:
            raise error

    def _spans(self, pieces: Sequence[Piece]) -> Iterator[tuple[int, int]]:
        for piece in pieces:
            base = piece.entry.start
            for start in range(base + piece.lo, base + piece.hi, self.batch):
                yield start, min(start + self.batch, base + piece.hi)

    def _batch(self, start: int, stop: int) -> Batch:
        places = range(start, stop)
        good = [at for at in places if not self.items[at].bad]
        unreadable = [
            Unreadable(sum(other < at for other in good), f"k{at}", ValueError(f"bad {at}"))
            for at in places
            if self.items[at].bad
        ]
        return Batch([self.items[at].value for at in good], lambda: [f"k{at}" for at in good], stop - start, unreadable)


def plan_of(source: Any, limit: int | None = None, store: Store | None = None) -> PlanReader:
    """A source's plan in a store of its own."""
    store = MemoryStore() if store is None else store
    return PlanReader(store, write_plan(store, source, source.entries(), 1, lambda: limit))


def encoder_sink(**output: Any) -> EncoderSink:
    """Results as a job's `output:` would have them; JSON Lines by default."""
    spec = Output(**output)
    return EncoderSink(open_encoder(spec, "jsonl" if spec.format == "auto" else spec.format, "", False))


def sum_fold() -> Fold:
    """A fold that adds up, and keeps the order in which it saw things."""
    return Fold(zero=list, add=_append, merge=_extend)


def _append(seen: list[Any], result: Any) -> list[Any]:
    seen.append(result)
    return seen


def _extend(seen: list[Any], more: list[Any]) -> list[Any]:
    seen.extend(more)
    return seen


def fold_sink() -> FoldSink:
    """The sink of that fold."""
    return FoldSink(sum_fold())


@dataclass
class Bench:
    """A lane on a scripted input, and what stands around it."""

    lane: Lane
    board: Board
    source: Any

    def settled(self, chunk: Chunk) -> Outcome:
        """Do a chunk with all its retries, none of which waits."""
        outcome = self.lane.run(chunk)
        while outcome is None:
            outcome = self.lane.settle()
        return outcome


def bench(
    folder: Path,
    source: Any,
    call: Callable[[Any], Any],
    *,
    sink: Sink | None = None,
    batch: int | None = None,
    retry: Retry | None = None,
) -> Bench:
    """A lane; without `retry` every item is tried once."""
    board = Board.create(folder / "board", 1)
    calling = Calling(call, batch, retry or Retry(attempts=1))
    lane = Lane(plan_of(source), source.reader(), calling, sink or encoder_sink(), board.line(0))
    return Bench(lane, board, source)


def tries(attempts: int, backoff: Duration = AT_ONCE) -> Retry:
    """So many attempts, with no wait between them unless one is given."""
    return Retry(attempts=attempts, backoff=backoff, max_backoff=max(backoff, AT_ONCE))


def places(count: int, bad: Iterable[int] = ()) -> list[Item]:
    """Places that hold their own number; some cannot be made."""
    broken = set(bad)
    return [Item(at, at in broken) for at in range(count)]


def owned(store: Store, hi: int, shard: int = 0) -> Ledger:
    """The ledger of a shard [0, hi), with this process as its newest owner."""
    ledger = Ledger(store, shard, 0, hi)
    ledger.claim()
    return ledger


def committer_of(store: Store, ledger: Ledger, fold: Fold | None = None) -> Committer:
    """A committer without a tree to flush."""
    return Committer(store, ledger, fold, None, Spool())


def read_back(store: Store, hi: int) -> bytes:
    """What the ledger of shard 0 makes of the parts, in input order."""
    return b"".join(body(store, Ledger(store, 0, 0, hi).refresh(), "input"))


def records(data: bytes) -> list[tuple[Any, Any]]:
    """JSON Lines as (key, result) pairs."""
    return [(line["key"], line["result"]) for line in msgspec.json.decode(b"[" + b",".join(data.splitlines()) + b"]")]
