"""Two processes that own one shard in turn, or both at once, crashing and failing between any two store calls."""

from collections import deque
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from orchestrator.engine.committer import Committer
from orchestrator.engine.outcome import ItemFailure, Outcome
from orchestrator.errors import Fenced, StoreUnavailable
from orchestrator.run.collect import body, damaged, failures
from orchestrator.run.intervals import Interval
from orchestrator.run.ledger import Ledger
from orchestrator.run.progress import Address, Progress
from orchestrator.run.records import Commit, Failure, Range
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
    offered: list[Outcome] = field(default_factory=list)

    @classmethod
    def start(cls, store: TroubledStore) -> Process:
        ledger = Ledger(store, 0, 0, UNITS)
        ledger.claim()
        gaps, retries = deque(ledger.progress.missing()), deque(sorted(ledger.progress.failed))
        return cls(store, ledger, Committer(store, ledger, None, None), gaps, retries)

    def chunk(self, size: int) -> None:
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
        self.committer.offer(retry_outcome(self.retries.popleft(), good))


class TwoOwners(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()
        self.processes: list[Process | None] = [None, None]
        self.commits: dict[str, bytes] = {}
        self.hurt = False

    numbers = st.sampled_from([0, 1])

    @rule(number=numbers, calls=st.integers(0, 6), kind=st.sampled_from(["", *TROUBLES]))
    def start(self, number: int, calls: int, kind: str) -> None:
        """A process begins, in place of the one before; it may be in trouble while it claims."""
        store = TroubledStore(self.store)
        if kind:
            store.trouble(calls, kind, lambda: self._settle(1 - number))
        self.processes[number] = None
        try:
            self.processes[number] = Process.start(store)
        except Crash, StoreUnavailable:
            return

    @rule(number=numbers, calls=st.integers(0, 8), kind=st.sampled_from(TROUBLES), claims=st.booleans())
    def trouble(self, number: int, calls: int, kind: str, claims: bool) -> None:
        """Something will happen at a later store call of a process; the other one commits then, or begins anew."""
        process = self.processes[number]
        if process is None:
            return

        def other() -> None:
            if claims:
                self.processes[1 - number] = Process.start(TroubledStore(self.store))
            else:
                self._settle(1 - number)

        process.store.trouble(calls, kind, other)

    @rule(number=numbers, sizes=st.lists(st.integers(1, 7), min_size=1, max_size=4))
    def work(self, number: int, sizes: list[int]) -> None:
        """Threads of a process settle some chunks."""
        process = self.processes[number]
        for size in sizes:
            if process is not None and process.gaps:
                process.chunk(size)

    @rule(number=numbers, good=st.booleans())
    def retry(self, number: int, good: bool) -> None:
        """A thread does a failed item again."""
        process = self.processes[number]
        if process is not None and process.retries:
            process.retry(good)

    @rule(number=numbers)
    def commit(self, number: int) -> None:
        """A process commits what its threads settled."""
        self._settle(number)

    @rule(number=numbers, pick=st.integers(0, 99), gone=st.booleans(), seen=st.booleans())
    def damage(self, number: int, pick: int, gone: bool, seen: bool) -> None:
        """A part is lost or spoilt; a process may find out, and takes back what it was for."""
        parts = list(self.store.list("shards/0/parts/"))
        if parts and gone:
            self.store.delete(parts[pick % len(parts)])
        elif parts:
            self.store.put(parts[pick % len(parts)], [b"spoilt"])
        self.hurt = bool(parts) or self.hurt
        process = self.processes[number]
        if seen and process is not None and not process.fenced:
            try:
                process.take_back(damaged(self.store, self._read()[1]))
            except Fenced:
                process.fenced = True
            except Crash, StoreUnavailable:
                self.processes[number] = None

    def _read(self) -> tuple[Progress, list[Commit]]:
        ledger = Ledger(self.store, 0, 0, UNITS)
        commits = ledger.refresh()
        return ledger.progress, commits

    @precondition(lambda self: any(process and process.fenced for process in self.processes))
    @rule(size=st.integers(1, 7))
    def commit_fenced(self, size: int) -> None:
        """A process that was told to stop, and does not, commits nothing."""
        for process in self.processes:
            if process is not None and process.fenced:
                if process.gaps:
                    process.chunk(size)
                before = set(self.store.list("shards/0/commits/"))
                try:
                    assert process.committer.commit() is None
                except Fenced, StoreUnavailable, Crash:
                    process.store.trouble(-1, "", lambda: None)
                assert set(self.store.list("shards/0/commits/")) - before <= self._others(process)

    def _others(self, process: Process) -> set[str]:
        """The commits that a process did not write."""
        decode = self._decode
        names = self.store.list("shards/0/commits/")
        return {name for name in names if decode(name).epoch != process.ledger.epoch}

    def _decode(self, name: str) -> Commit:
        from msgspec.json import decode

        return decode(self.store.get(name), type=Commit)

    def _settle(self, number: int) -> None:
        process = self.processes[number]
        if process is None or process.fenced:
            return
        try:
            process.committer.commit()
        except Fenced:
            process.fenced = True
        except Crash, StoreUnavailable:
            self.processes[number] = None

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
TestTwoOwners.settings = settings(max_examples=300, stateful_step_count=25, deadline=None)
