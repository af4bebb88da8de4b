"""Everything at once, many times: threads that come and go, retries, commits, readers; the results are an oracle's."""

import random
import threading
from collections import Counter
from pathlib import Path

import pytest

from orchestrator.engine.board import Board
from orchestrator.engine.committer import Committer
from orchestrator.engine.dispenser import Dispenser
from orchestrator.engine.lane import Calling, Lane
from orchestrator.engine.outcome import Outcome
from orchestrator.engine.pool import Pool
from orchestrator.errors import Fenced
from orchestrator.run.ledger import Ledger
from orchestrator.store.base import Store
from orchestrator.store.local import LocalStore
from orchestrator.store.memory import MemoryStore
from tests.engine.parts import Script, committer_of, encoder_sink, owned, places, plan_of, read_back, records, tries

pytestmark = pytest.mark.races

THREADS = 8
ITEMS = 3000


class Shaken:
    """A task in which items fail now and then; which ones, and how often, depends on the item alone."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        # One cell an item, written by one thread at a time: a shared dict would be a race of its own.
        self.calls = [0] * ITEMS

    def failures(self, value: int) -> int:
        """How often an item fails before it succeeds; 3 is for good."""
        return (0, 0, 0, 0, 0, 0, 1, 2, 3)[hash((self.seed, value)) % 9]

    def __call__(self, value: int) -> int:
        self.calls[value] += 1
        if self.calls[value] <= self.failures(value):
            raise ValueError(f"no {value}")
        return value * value


def whole_entries(chooser: random.Random) -> list[int]:
    """Entries of one to four items that fill the input: chunks cannot be smaller, and are rarely larger."""
    lengths: list[int] = []
    while (left := ITEMS - sum(lengths)) > 0:
        lengths.append(min(left, chooser.randint(1, 4)))
    return lengths


def hammer(folder: Path, store: Store, seed: int) -> tuple[Shaken, Committer, Ledger]:
    """Run all items on threads that are parked and let go at random, while commits are made and the board is read."""
    chooser, task = random.Random(seed), Shaken(seed)
    bad = chooser.sample(range(ITEMS), 20)
    source = Script(places(ITEMS, bad=bad), unit="file", whole=whole_entries(chooser))
    ledger = owned(store, ITEMS)
    committer = committer_of(store, ledger)
    board = Board.create(folder / f"board{seed}", THREADS)
    plan_store = MemoryStore()
    reader = plan_of(source, store=plan_store)

    def make_lane(index: int) -> Lane:
        own = plan_of(source, store=plan_store)
        return Lane(own, source.reader(), Calling(task, None, tries(3)), encoder_sink(), board.line(index))

    dispenser = Dispenser(reader, ledger.progress.missing(), [], THREADS)
    pool = Pool(make_lane, dispenser, committer.offer, committer.poke, board.line)
    pool.allow(THREADS)
    while not pool.ended:
        pool.allow(chooser.randint(1, THREADS))
        committer.commit()
        picture = board.read()
        assert 0 <= picture.busy <= THREADS
        assert 0 <= picture.items <= ITEMS
    committer.commit()
    assert pool.error is None
    assert sum(record.pace.items for record in pool.records) == ITEMS
    assert board.read().items == ITEMS
    return task, committer, ledger


@pytest.mark.parametrize("seed", range(6))
def test_every_item_once(tmp_path, seed):
    """Each item is in the output once, in order, or among the failures once, and was called as often as it says."""
    store = MemoryStore()
    task, _, ledger = hammer(tmp_path, store, seed)
    bad = set(random.Random(seed).sample(range(ITEMS), 20))
    good = [at for at in range(ITEMS) if at not in bad and task.failures(at) < 3]
    assert ledger.progress.complete
    assert records(read_back(store, ITEMS)) == [(f"k{at}", at * at) for at in good]
    assert len(ledger.progress.failed) == ITEMS - len(good)
    expected = [0 if at in bad else min(3, 1 + task.failures(at)) for at in range(ITEMS)]
    assert task.calls == expected


OWNED = 400


def chunk_of(lo: int, hi: int) -> Outcome:
    """A chunk whose bytes are its numbers."""
    return Outcome(lo, hi, None, b"".join(b"%d\n" % at for at in range(lo, hi)), hi - lo, 0)


def do_missing(store: Store, chooser: random.Random) -> None:
    """Own the shard, and do what is missing of it in chunks and commits of random length."""
    ledger = owned(store, OWNED)
    committer = committer_of(store, ledger)
    for lo, hi in ledger.progress.missing():
        while lo < hi:
            end = min(hi, lo + chooser.randint(1, 40))
            committer.offer(chunk_of(lo, end))
            lo = end  # noqa: PLW2901
            if chooser.random() < 0.5:
                committer.commit()
    committer.commit()


class Rival(threading.Thread):
    """One of several that take the shard over from each other."""

    def __init__(self, store: Store, seed: int, together: threading.Barrier) -> None:
        super().__init__()
        self.store, self.seed, self.together = store, seed, together
        self.error: BaseException | None = None

    def run(self) -> None:
        """Own the shard again and again."""
        chooser = random.Random(self.seed)
        self.together.wait()
        for _ in range(4):
            try:
                do_missing(self.store, chooser)
            except Fenced:
                continue
            except BaseException as error:  # noqa: BLE001
                self.error = error


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_owners_that_take_over_from_each_other(tmp_path, kind, number):
    """Owners in several threads claim one shard again and again: no chunk is committed twice, and none is lost."""
    store: Store = MemoryStore() if kind == "memory" else LocalStore(tmp_path)
    together = threading.Barrier(3)
    rivals = [Rival(store, 10 * number + at, together) for at in range(3)]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join()
    assert [rival.error for rival in rivals] == [None] * 3
    do_missing(store, random.Random(number))
    assert read_back(store, OWNED) == b"".join(b"%d\n" % at for at in range(OWNED))


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_one_dispenser(threads):
    """Threads that ask as fast as they can get each number once."""
    source = Script(places(20_000), unit="item")
    dispenser = Dispenser(plan_of(source), [(0, 20_000)], [], threads)
    seen: list[list[tuple[int, int]]] = [[] for _ in range(threads)]
    together = threading.Barrier(threads)

    def take(mine: list[tuple[int, int]]) -> None:
        together.wait()
        while (chunk := dispenser.take(3, 1)) is not None:
            mine.append((chunk.lo, chunk.hi))

    workers = [threading.Thread(target=take, args=(mine,)) for mine in seen]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    numbers = Counter(at for mine in seen for lo, hi in mine for at in range(lo, hi))
    assert numbers == Counter(range(20_000))
    assert all(mine == sorted(mine) for mine in seen)


LOCKED = """
import threading
from orchestrator import task
lock = threading.Lock()
total = 0
@task(thread=list)
def f(n, ctx, step=1):
    global total
    with lock:
        before = total
        total = before + step
    ctx.thread.append(n)
    if n % 97 == 3 and ctx.thread.count(n) == 1:
        raise ValueError("first time")
    return [n * n, len(ctx.thread) > 0]
"""
FAULTHANDLER = {"PYTHONFAULTHANDLER": "1"}


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_a_task_with_a_lock_on_many_threads(place, backend):
    """A task that keeps a lock, and fails now and then, gives every result once on more threads than CPUs."""
    place.job(
        LOCKED,
        input={"range": {"stop": 4000}},
        retry={"attempts": 2, "backoff": "0s"},
        runtime={"backend": backend},
        **{"with": {"step": 2}},
    )
    report = place.submit("--threads", "6", env=FAULTHANDLER)
    assert (report["state"], report["items"], report["failed"]) == ("done", 4000, 0)
    assert place.results() == [[n * n, True] for n in range(4000)]


OWN = """
import threading
from orchestrator import task
def make():
    return threading.Barrier(2, timeout=60)
@task(process=make)
def f(n, ctx, table=None):
    if n < 2:
        ctx.process.wait()
    return [ctx.index, id(table), table]
"""


def test_each_thread_has_its_own_arguments(place):
    """Two threads that are in the task at the same moment have equal arguments, and not the same object."""
    place.job(OWN, input={"range": {"stop": 2}}, **{"with": {"table": {"a": [1, 2]}}})
    place.submit("--threads", "2", env=FAULTHANDLER)
    (one, id_of_one, table), (other, id_of_other, same) = place.results()
    assert {one, other} == {0, 1}
    assert id_of_one != id_of_other
    assert table == same == {"a": [1, 2]}


DIES_ONCE = """
import os, threading
def f(n):
    if n == 300 and not os.path.exists("again"):
        os.kill(os.getppid(), 9)
        threading.Event().wait()
    return n * n
"""


def test_two_that_resume_one_run(place):
    """Of two commands that go on with one run at the same time each chunk is kept once, and the run can be finished."""
    place.job(DIES_ONCE, input={"range": {"stop": 30000}}, failures={"max_crashes": 0})
    assert place.ftorch("submit", "job.yaml", "--run", "run", "--threads", "2").code == -9
    place.write("again", "")
    both = [place.popen("submit", "job.yaml", "--run", "run", "--resume", env=FAULTHANDLER) for _ in range(2)]
    ended = [(process.communicate(timeout=120), process.returncode) for process in both]
    assert {code for _, code in ended} <= {0, 75}, ended
    place.submit("--run", "run", "--resume")
    assert place.results() == [n * n for n in range(30000)]
