"""From outcomes to the ledger: what is committed, in which order, and what happens when two commit."""

import os
import threading
import zlib
from collections.abc import Iterable
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.committer import MOST_BYTES, Committer
from orchestrator.engine.dispenser import Chunk
from orchestrator.engine.outcome import WHOLE_CHUNK, Outcome
from orchestrator.engine.spill import Spill
from orchestrator.engine.spool import Spool
from orchestrator.errors import Fenced, RunDamaged, StoreUnavailable, TaskError
from orchestrator.run.collect import accumulators, damaged, failures
from orchestrator.run.ledger import Ledger
from orchestrator.run.records import Commit
from orchestrator.store.memory import MemoryStore
from orchestrator.tasks.api import Fold
from tests.engine.parts import (
    Script,
    bench,
    committer_of,
    encoder_sink,
    owned,
    places,
    read_back,
    records,
    sum_fold,
    tries,
    unhurried,
)


def outcome(lo: int, hi: int, token: object = b"x") -> Outcome:
    """A chunk without failures, an item each place."""
    return Outcome(lo, hi, None, token, hi - lo, 10 * (hi - lo))


def line(lo: int, hi: int) -> Outcome:
    """A chunk whose bytes say where it lies."""
    return outcome(lo, hi, b"[%d,%d)" % (lo, hi))


def offer_all(committer: Committer, outcomes: Iterable[Outcome]) -> None:
    """Hand over several."""
    for item in outcomes:
        committer.offer(item)


def test_outcomes_side_by_side_are_one_range():
    """What lies side by side becomes one range, whatever order it came in; gaps stay gaps."""
    store = MemoryStore()
    committer = committer_of(store, owned(store, 100))
    offer_all(committer, [line(20, 30), line(0, 10), line(40, 50), line(10, 20)])
    commit = committer.commit()
    assert [(item.lo, item.hi, item.items, item.nbytes) for item in commit.ranges] == [
        (0, 30, 30, 300),
        (40, 50, 10, 100),
    ]
    assert read_back(store, 100) == b"[0,10)[10,20)[20,30)[40,50)"


def test_nothing_offered():
    """Without an outcome there is no commit, and nothing is written."""
    store = MemoryStore()
    committer = committer_of(store, owned(store, 100))
    before = list(store.list(""))
    assert committer.commit() is None
    assert list(store.list("")) == before


def test_bytes_are_there_before_a_commit_names_them():
    """When a commit is created, the part it names can be read; a store that fails before it leaves no commit."""

    class Watched(MemoryStore):
        def create(self, name, data):
            data = b"".join(data)
            if "/commits/" in name:
                for blob in msgspec.json.decode(data)["ranges"][0][4]:
                    assert self.get(blob[0], blob[1], blob[2]) == b"[0,10)"
                made.append(name)
            return super().create(name, [data])

    made: list[str] = []
    store = Watched()
    committer = committer_of(store, owned(store, 100))
    committer.offer(line(0, 10))
    assert committer.commit() is not None
    assert len(made) == 1


def test_a_store_that_fails_leaves_nothing_committed():
    """When the part cannot be written no commit names it, and who waits to hand over more is let go."""

    class Full(MemoryStore):
        def put(self, name, data):  # noqa: ARG002
            raise StoreUnavailable("full", where=name)

    store = Full()
    committer = committer_of(store, owned(store, 100))
    committer.offer(line(0, 10))
    with pytest.raises(StoreUnavailable):
        committer.commit()
    assert Ledger(store, 0, 0, 100).refresh() == []


def test_a_tree_is_flushed_before_its_commit():
    """Where results are files of their own, these are made safe before a commit says that they are there."""
    store, order = MemoryStore(), []
    ledger = owned(store, 10)
    committer = Committer(store, ledger, None, lambda: order.append(ledger.progress.items), Spool())
    committer.offer(line(0, 10))
    committer.commit()
    assert order == [0]
    assert ledger.progress.items == 10


def test_the_next_owner_goes_on():
    """What one owner committed is done for the next, whose parts have other names."""
    store = MemoryStore()
    first = committer_of(store, owned(store, 30))
    first.offer(line(0, 10))
    first.commit()
    ledger = owned(store, 30)
    assert ledger.progress.missing() == [(10, 30)]
    second = committer_of(store, ledger)
    offer_all(second, [line(10, 20), line(20, 30)])
    second.commit()
    assert read_back(store, 30) == b"[0,10)[10,20)[20,30)"
    assert Ledger(store, 0, 0, 30).refresh()[-1].epoch > 0


def test_an_older_owner_is_fenced():
    """Once a newer owner exists the older one commits nothing, and is told who took over."""
    store = MemoryStore()
    old = committer_of(store, owned(store, 30))
    new = owned(store, 30)
    old.offer(line(0, 10))
    with pytest.raises(Fenced, match="taken over"):
        old.commit()
    assert new.refresh() == []


class Overtaken(MemoryStore):
    """A store in which, just when a commit is to be created, somebody else creates one first."""

    def __init__(self) -> None:
        super().__init__()
        self.others: list[object] = []

    def create(self, name, data):
        if "/commits/" in name and self.others:
            meanwhile = self.others.pop(0)
            meanwhile()
        return super().create(name, data)


def old_and_new(store: Overtaken, fold: Fold | None = None) -> tuple[Committer, Committer]:
    """An owner that looked for a newer one just before there was one, and that newer one."""
    old_ledger = owned(store, 30)
    old = committer_of(store, old_ledger, fold)
    return old, committer_of(store, owned(store, 30), fold)


def unfenced(old: Committer) -> None:
    """Commit as an owner does that passed the check for a newer one a moment ago."""
    ledger = old._ledger
    ledger._check_fence = lambda: None
    old.commit()


def test_what_is_done_already_is_dropped():
    """Two committers did the same chunk: the one whose commit came second drops it, and keeps the rest."""
    store = Overtaken()
    old, new = old_and_new(store)
    offer_all(old, [line(0, 10), line(20, 25)])
    offer_all(new, [line(0, 10), line(10, 20), line(20, 30)])
    store.others = [lambda: unfenced(old)]
    commit = new.commit()
    assert [(item.lo, item.hi) for item in commit.ranges] == [(10, 20)]
    assert read_back(store, 30) == b"[0,10)[10,20)[20,25)"


def test_losing_with_nothing_left():
    """A committer whose every chunk somebody else committed has nothing to commit, and that is no error."""
    store = Overtaken()
    old, new = old_and_new(store)
    old.offer(line(0, 30))
    offer_all(new, [line(0, 10), line(10, 20)])
    store.others = [lambda: unfenced(old)]
    assert new.commit() is None
    assert read_back(store, 30) == b"[0,30)"


def merged(store: MemoryStore, hi: int) -> list[object]:
    """The decoded accumulators of shard 0 in input order."""
    return [msgspec.json.decode(found) for found in accumulators(store, Ledger(store, 0, 0, hi).refresh())]


def test_accumulators_are_merged_in_input_order():
    """A range's accumulators become one, the earlier ones first, whatever order they came in."""
    store = MemoryStore()
    committer = committer_of(store, owned(store, 100), sum_fold())
    offer_all(committer, [outcome(20, 30, [3]), outcome(0, 10, [1]), outcome(40, 50, [4]), outcome(10, 20, [2])])
    committer.commit()
    assert merged(store, 100) == [[1, 2, 3], [4]]


def test_a_merge_that_is_done_again_adds_nothing_twice():
    """A commit that lost its name is built again; a merge that changes its arguments must not count double then."""
    store = Overtaken()
    old, new = old_and_new(store, sum_fold())
    old.offer(outcome(20, 30, [3]))
    offer_all(new, [outcome(0, 5, [1]), outcome(5, 10, [2]), outcome(20, 30, [3])])
    store.others = [lambda: unfenced(old)]
    new.commit()
    assert merged(store, 30) == [[1, 2], [3]]


def test_an_accumulator_that_is_no_plain_data():
    """A fold whose accumulator cannot be stored is the task's mistake."""
    store = MemoryStore()
    committer = committer_of(store, owned(store, 10), sum_fold())
    committer.offer(outcome(0, 10, [object()]))
    with pytest.raises(TaskError, match="cannot be stored as JSON"):
        committer.commit()


def test_details_of_failures_are_kept(tmp_path):
    """Each failed item's details can be read back, those of unreadable items included, in input order."""

    def call(value: int) -> int:
        if value % 4 == 0:
            raise ValueError(f"no {value}")
        return value

    store = MemoryStore()
    ledger = owned(store, 12)
    committer = committer_of(store, ledger)
    made = bench(tmp_path, Script(places(12, bad=[5, 6])), call)
    offer_all(committer, [made.settled(Chunk(6, 12)), made.settled(Chunk(0, 6))])
    commit = committer.commit()
    told = failures(store, [commit], [ledger.progress])
    assert [(failure.key, failure.error) for failure in told] == [
        ("k0", "no 0"),
        ("k4", "no 4"),
        ("k5", "bad 5"),
        ("k6", "bad 6"),
        ("k8", "no 8"),
    ]


def test_a_retry_that_fails_again_tells_the_last_error(tmp_path):
    """The details of an item that failed in both sittings are those of the second."""
    said = ["first"]

    def call(value: int) -> int:
        if value == 2:
            raise ValueError(said[0])
        return value

    store = MemoryStore()
    ledger = owned(store, 4)
    committer = committer_of(store, ledger)
    made = bench(tmp_path, Script(places(4)), call)
    committer.offer(made.settled(Chunk(0, 4)))
    commits = [committer.commit()]
    said[0] = "second"
    committer.offer(made.settled(Chunk(0, 4, only=(2,))))
    commits.append(committer.commit())
    assert [failure.error for failure in failures(store, commits, [ledger.progress])] == ["second"]
    assert len(ledger.progress.failed) == 1


def test_a_retry_of_what_has_not_failed_is_dropped(tmp_path):
    """An item that was made good meanwhile is not filled in twice."""
    store = MemoryStore()
    committer = committer_of(store, owned(store, 4))
    made = bench(tmp_path, Script(places(4)), lambda value: value)
    committer.offer(made.settled(Chunk(0, 4)))
    committer.commit()
    committer.offer(made.settled(Chunk(0, 4, only=(2,))))
    assert committer.commit() is None


def test_what_is_good_of_a_chunk_that_can_be_read_now_is_kept(tmp_path):
    """A retry of a chunk that could not be read has its results, though one of its items fails: only that one has
    failed now, and a further retry does it alone.
    """
    failing, calls = [2], []

    def call(value: int) -> int:
        calls.append(value)
        if value in failing:
            raise ValueError("no")
        return value

    store = MemoryStore()
    ledger = owned(store, 4)
    committer = committer_of(store, ledger)
    made = bench(tmp_path, Script(places(4), raises=[OSError("gone")]), call)
    committer.offer(made.settled(Chunk(0, 4)))
    committer.commit()
    assert (list(ledger.progress.failed), ledger.progress.items) == ([(0, 4, WHOLE_CHUNK)], 1)
    committer.offer(made.settled(Chunk(0, 4, only=(WHOLE_CHUNK,))))
    committer.commit()
    assert [key for key, _ in records(read_back(store, 4))] == ["k0", "k1", "k3"]
    assert (list(ledger.progress.failed), ledger.progress.items) == ([(0, 4, 2)], 4)
    commits = Ledger(store, 0, 0, 4).refresh()
    assert [failure.key for failure in failures(store, commits, [ledger.progress])] == ["k2"]
    assert damaged(store, commits) == []
    failing.clear()
    calls.clear()
    committer.offer(made.settled(Chunk(0, 4, only=(2,))))
    committer.commit()
    assert calls == [2]
    assert [key for key, _ in records(read_back(store, 4))] == ["k0", "k1", "k2", "k3"]
    assert ledger.progress.failed == {}


@given(
    st.lists(st.sampled_from(["good", "good", "once", "twice", "bad", "never"]), min_size=1, max_size=30),
    st.lists(st.integers(1, 29), max_size=5),
    st.randoms(use_true_random=False),
    st.tuples(st.sampled_from(["jsonl", "text"]), st.sampled_from([None, 1, 50])),
)
@unhurried
def test_the_output_after_retries_is_the_output_without_failures(tmp_path_factory, states, cuts, random, way):
    """However chunks are cut, mixed and committed, and however little of their results stays in memory: what a later
    sitting made good stands where it belongs, in a chunk that could not be read at first, too.
    """
    (form, most), count, sitting = way, len(states), [1]
    fails = {"once": 1, "twice": 2, "never": 9}

    def call(value: int) -> str:
        if sitting[0] <= fails.get(states[value], 0):
            raise ValueError
        return f"r{value}" * (1 + value % 3)

    store, sink = MemoryStore(), encoder_sink(format=form)
    ledger = owned(store, count)
    committer = committer_of(store, ledger)
    bad = [at for at, state in enumerate(states) if state == "bad"]
    made = bench(tmp_path_factory.mktemp("lane"), Script(places(count, bad=bad)), call, sink=sink, retry=tries(1))
    if most is not None:
        made.lane.spill = Spill(tmp_path_factory.getbasetemp(), most)
    chunks = [Chunk(lo, hi) for lo, hi in pairwise(sorted({0, count, *(cut for cut in cuts if cut < count)}))]
    random.shuffle(chunks)
    for sitting[0] in (1, 2, 3):
        for chunk in chunks:
            made.source.raises = [OSError("gone")] if random.random() < (0.3, 0.1, 0.0)[sitting[0] - 1] else []
            committer.offer(made.settled(chunk))
            if random.random() < 0.5:
                committer.commit()
        committer.commit()
        chunks = [Chunk(lo, hi, only=(number,)) for lo, hi, number in ledger.progress.failed]
        random.shuffle(chunks)
    good = [at for at, state in enumerate(states) if state in ("good", "once", "twice")]
    assert ledger.progress.items == count
    keys = [f"k{at}" for at in good] if sink.needs_keys else ()
    assert read_back(store, count) == sink.encode(keys, [f"r{at}" * (1 + at % 3) for at in good])
    told = failures(store, Ledger(store, 0, 0, count).refresh(), [ledger.progress])
    assert [failure.key for failure in told] == [f"k{at}" for at in range(count) if states[at] in ("bad", "never")]


def test_a_part_that_was_changed_is_noticed():
    """Bytes that are not those the ledger names are an error, never an output."""
    store = MemoryStore()
    committer = committer_of(store, owned(store, 10))
    committer.offer(line(0, 10))
    part = committer.commit().ranges[0].blobs[0].part
    store.put(part, [b"[0,11)"])
    with pytest.raises(RunDamaged, match="checksum"):
        read_back(store, 10)


HALF = bytes(MOST_BYTES * 3 // 8)


@pytest.mark.races
def test_who_offers_too_much_waits_for_the_store():
    """A thread that hands over more than may wait in memory goes on only after a commit."""
    store = MemoryStore()
    committer = committer_of(store, owned(store, 100))
    offer_all(committer, [outcome(0, 10, HALF), outcome(10, 20, HALF)])
    started, released, seen = threading.Event(), threading.Event(), []

    def one_too_many() -> None:
        started.set()
        committer.offer(outcome(20, 30, HALF))
        seen.append(committed.is_set())
        released.set()

    committed = threading.Event()
    thread = threading.Thread(target=one_too_many)
    thread.start()
    started.wait()
    while committer._size <= 2 * len(HALF):  # until the third has been taken in
        os.sched_yield()
    assert not released.is_set()
    committed.set()
    commit = committer.commit()
    assert released.wait(60)
    thread.join()
    assert seen == [True]
    assert commit.ranges[0].hi == 30


@pytest.mark.races
def test_many_bytes_wake_the_main_thread():
    """Enough bytes end the wait for the next commit, and so does a poke, even one that came before the wait; either
    is told, and that the time was over is not.
    """
    store = MemoryStore()
    committer = committer_of(store, owned(store, 100))
    committer.poke()
    assert committer.wait(1e6)
    thread = threading.Thread(target=committer.offer, args=(outcome(0, 10, HALF),))
    thread.start()
    while committer._spool.size < len(HALF):
        assert not committer.wait(1e6), "what the spool has taken in need not be committed yet"
    thread.join()
    thread = threading.Thread(target=committer.poke)
    assert committer.commit() is not None
    thread.start()
    assert committer.wait(1e6)
    thread.join()
    assert not committer.wait(0.0)


def test_a_full_spool_is_committed_before_a_second_is_over(monkeypatch):
    """As soon as the spool holds a commit's worth of bytes, the wait ends and says that there is a reason."""
    monkeypatch.setattr("orchestrator.engine.committer.COMMIT_BYTES", 2 * len(HALF))
    store = MemoryStore()
    committer = committer_of(store, owned(store, 100))
    committer.offer(outcome(0, 10, HALF))
    assert not committer.wait(1e6)
    committer.offer(outcome(10, 20, HALF))
    assert committer.wait(1e6)


@given(st.lists(st.tuples(st.binary(max_size=40), st.booleans(), st.booleans()), min_size=1, max_size=30), st.randoms())
def test_what_went_through_the_spool_is_read_back_in_order(steps, chance):
    """Whatever was spooled before its commit and whatever was not, and in whatever order it came, each range names just
    its bytes, and checks them.
    """
    store = MemoryStore()
    committer = committer_of(store, owned(store, 10 * len(steps)))
    order = list(enumerate(steps))
    chance.shuffle(order)
    for number, (token, spooled, committed) in order:
        committer.offer(outcome(10 * number, 10 * number + 10, token))
        if spooled:
            committer._relieve()
        if committed:
            committer.commit()
    committer.commit()
    found = {}
    for name in store.list("shards/0/commits/"):
        for done in msgspec.json.decode(store.get(name), type=Commit).ranges:
            found[done.lo] = b"".join(checked(store, blob) for blob in done.blobs)
    assert b"".join(found[lo] for lo in sorted(found)) == b"".join(token for token, _, _ in steps)
    assert committer._size == 0


def checked(store, blob):
    """The bytes of a blob."""
    data = store.get(blob.part, blob.offset, blob.length)
    assert zlib.crc32(data) == blob.crc
    return data
