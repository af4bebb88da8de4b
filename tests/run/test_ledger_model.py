"""Two processes that own one shard in turn, or both at once, crashing and failing between any two store calls."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from orchestrator.engine.committer import Committer
from orchestrator.engine.outcome import ItemFailure, Outcome
from orchestrator.engine.spool import Spool
from orchestrator.errors import Fenced, StoreUnavailable
from orchestrator.run.collect import body, damaged, failures
from orchestrator.run.intervals import Interval
from orchestrator.run.ledger import Ledger
from orchestrator.run.progress import Address, Progress
from orchestrator.run.records import Commit, Failure, Range
from orchestrator.store.base import Store
from orchestrator.store.memory import MemoryStore
from tests.run.troubled import TROUBLES, Crash, TroubledStore

UNITS = 24
POISON = frozenset({3, 4, 11, 17, 18, 23})
"""The items that fail the first time they are tried."""


def record(item: int) -> bytes:
    """The bytes of an item's result."""
    return b"%d;" % item * (item % 3)


def chunk_outcome(lo: int, hi: int) -> Outcome:
    """What a thread makes of a chunk that it does for the first time: an item is a unit."""
    token, failed = b"", []
    for item in range(lo, hi):
        if item in POISON:
            failed.append(ItemFailure(failure(lo, hi, item - lo), len(token)))
        else:
            token += record(item)
    return Outcome(lo, hi, None, token, hi - lo, 0, failed)


def retry_outcome(address: Address, good: bool) -> Outcome:
    """What a thread makes of one failed item that it does again."""
    lo, hi, number = address
    if good:
        return Outcome(lo, hi, (number,), record(lo + number), 1, 0)
    return Outcome(lo, hi, (number,), b"", 1, 0, [ItemFailure(failure(lo, hi, number), 0)])


def failure(lo: int, hi: int, number: int) -> Failure:
    """What is told of a failed item."""
    return Failure(lo + number, "bad", "ValueError", "", 1, (lo, hi), number)


@dataclass
class Process:
    """A process that claimed the shard: what is left for it to do, as it saw the ledger then."""

    store: TroubledStore
    ledger: Ledger
    committer: Committer
    gaps: deque[Interval]
    retries: deque[Address]
    fenced: bool = False
    busy: bool = False

    @classmethod
    def start(cls, store: TroubledStore) -> Process:
        """Claim the shard."""
        ledger = Ledger(store, 0, 0, UNITS)
        ledger.claim()
        gaps, retries = deque(ledger.progress.missing()), deque(sorted(ledger.progress.failed))
        return cls(store, ledger, Committer(store, ledger, None, None, Spool()), gaps, retries)

    def chunk(self, size: int) -> None:
        """Have a thread settle a chunk of what is left, of at most that size."""
        lo, end = self.gaps.popleft()
        hi = min(lo + size, end)
        if hi < end:
            self.gaps.appendleft((hi, end))
        self.committer.offer(chunk_outcome(lo, hi))

    def take_back(self, found: list[Range]) -> None:
        """Commit that ranges are missing again, those of them that still stand."""

        def build(progress: Progress) -> Commit | None:
            voided = [item for item in found if progress.covers(item.lo, item.hi)]
            return Commit(self.ledger.epoch or 0, [], voided=voided) if voided else None

        self.ledger.append(build)
        self.gaps.extend((item.lo, item.hi) for item in found)

    def retry(self, good: bool) -> None:
        """Have a thread do a failed item again."""
        self.committer.offer(retry_outcome(self.retries.popleft(), good))


@dataclass(frozen=True)
class Turn:
    """What a process does at a stretch: begin anew, settle chunks, retry items, take back what is damaged, commit."""

    begins: bool
    sizes: list[int]
    retries: list[bool]
    repairs: bool


TURNS = st.builds(
    Turn,
    begins=st.booleans(),
    sizes=st.lists(st.integers(1, 7), max_size=4),
    retries=st.lists(st.booleans(), max_size=3),
    repairs=st.booleans(),
)


class TwoOwners(RuleBasedStateMachine):
    new_store: Callable[[], Store] = MemoryStore

    def __init__(self) -> None:
        super().__init__()
        self.store = self.new_store()
        self.processes: list[Process | None] = [None, None]
        self.commits: dict[str, bytes] = {}
        self.hurt = False

    @rule(
        number=st.sampled_from([0, 1]),
        turn=TURNS,
        kind=st.sampled_from(["", "other first", *TROUBLES]),
        calls=st.integers(0, 8),
        other=TURNS,
    )
    def go(self, number: int, turn: Turn, kind: str, calls: int, other: Turn) -> None:
        """A process takes its turn; at one of its store calls there may be trouble, or the other process's turn."""
        process, store = self.processes[number], TroubledStore(self.store)
        if not turn.begins and process is not None:
            store = process.store
        if kind:
            store.trouble(calls, kind, lambda: self._take(1 - number, other, TroubledStore(self.store)))
        self._take(number, turn, store)

    @rule(pick=st.integers(0, 99), gone=st.booleans())
    def damage(self, pick: int, gone: bool) -> None:
        """A part is lost or spoilt."""
        parts = list(self.store.list("shards/0/parts/"))
        if parts and gone:
            self.store.delete(parts[pick % len(parts)])
        elif parts:
            self.store.put(parts[pick % len(parts)], [b"spoilt"])
        self.hurt = bool(parts) or self.hurt

    def _take(self, number: int, turn: Turn, store: TroubledStore) -> None:
        process = self.processes[number]
        if turn.begins or process is None:
            process = self.processes[number] = self._begin(store)
        if process is None or process.busy:
            return
        process.busy = True
        try:
            self._act(process, turn)
        except Fenced:
            process.fenced = True
        except Crash, StoreUnavailable:
            if self.processes[number] is process:
                self.processes[number] = None
        process.busy = False

    def _begin(self, store: TroubledStore) -> Process | None:
        try:
            return Process.start(store)
        except Crash, StoreUnavailable:
            return None

    def _act(self, process: Process, turn: Turn) -> None:
        for size in turn.sizes:
            if process.gaps:
                process.chunk(size)
        for good in turn.retries:
            if process.retries:
                process.retry(good)
        overtaken, before = self._overtaken(process), self._written_by(process)
        try:
            process.committer.commit()
            if turn.repairs:
                process.take_back(damaged(self.store, self._read()[1]))
        finally:
            assert not overtaken or self._written_by(process) == before

    def _overtaken(self, process: Process) -> bool:
        """Whether a newer owner than this process has claimed the shard."""
        newest = max(int(name.rsplit("/", 1)[1]) for name in self.store.list("shards/0/epochs/"))
        return newest > (process.ledger.epoch or 0)

    def _written_by(self, process: Process) -> list[str]:
        """The commits of a process."""
        commits = self._read()[1]
        return [str(commit) for commit in commits if commit.epoch == process.ledger.epoch]

    def _read(self) -> tuple[Progress, list[Commit]]:
        ledger = Ledger(self.store, 0, 0, UNITS)
        commits = ledger.refresh()
        return ledger.progress, commits

    @invariant()
    def commits_stay(self) -> None:
        """No commit is ever changed or removed."""
        now = {name: self.store.get(name) for name in self.store.list("shards/0/commits/")}
        assert now.items() >= self.commits.items()
        self.commits = now

    @invariant()
    def what_is_committed_is_there_once(self) -> None:
        """The commits contradict nothing, and the parts hold exactly the results of the items they name."""
        progress, commits = self._read()
        if damaged(self.store, commits):
            assert self.hurt
            return
        self.hurt = False
        done = {item for lo, hi in progress.done for item in range(lo, hi)}
        failed = {lo + number for lo, _, number in progress.failed}
        assert b"".join(body(self.store, commits, "input")) == b"".join(map(record, sorted(done - failed)))
        assert progress.items == len(done)
        assert {failure.key for failure in failures(self.store, commits, [progress])} == failed <= done & POISON

    def teardown(self) -> None:
        """One last process, undisturbed, finishes the shard: first what is missing, then what failed."""
        voider = Process.start(TroubledStore(self.store))
        voider.take_back(damaged(self.store, self._read()[1]))
        for _ in range(2):
            process = Process.start(TroubledStore(self.store))
            while process.gaps:
                process.chunk(5)
            while process.retries:
                process.retry(good=True)
            process.committer.commit()
        progress, commits = self._read()
        assert progress.complete
        assert not progress.failed
        assert b"".join(body(self.store, commits, "input")) == b"".join(map(record, range(UNITS)))


TestTwoOwners = TwoOwners.TestCase
TestTwoOwners.settings = settings(max_examples=200, stateful_step_count=25, deadline=None)
