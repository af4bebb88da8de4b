"""What networks and services do to a store in a bucket: requests cut, answers lost, errors, silence."""

import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count

import pytest

from orchestrator.errors import Fenced, StoreUnavailable
from orchestrator.run.ledger import Ledger
from orchestrator.run.progress import Progress
from orchestrator.run.records import Commit, Range
from orchestrator.store.base import NotFound, Store
from orchestrator.store.upload import REQUEST
from tests.remote.conftest import OpenStore
from tests.remote.servers import Proxy

pytestmark = pytest.mark.faults
ROUNDS = int(os.environ.get("FTORCH_FAULT_ROUNDS", "1"))
FAULTS = ["500", "503", "429", "before", "after", "error after", "half"]


def once(fault: str, method: str):
    """That fault for the first request of that method, none for others."""
    left = [fault]
    return lambda asked, _: left.pop() if asked == method and left else ""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_create_is_told_of_truly(through: OpenStore, proxy: Proxy, fault: str) -> None:
    """Whatever becomes of its request or its answer, the one who creates hears True, and the next one False."""
    store = through()
    proxy.fault = once(fault, "PUT")
    assert store.create("a/b", [b"mine"]) is True
    proxy.fault = once(fault, "PUT")
    assert store.create("a/b", [b"other"]) is False
    assert store.get("a/b") == b"mine"


def test_a_create_whose_answer_never_comes_is_looked_up(through: OpenStore, proxy: Proxy) -> None:
    """A server that did the work and is silent is left after the time-out; reading back tells that it was done."""
    store = through(timeout=0.3)
    proxy.fault = once("silence", "PUT")
    assert store.create("a", [b"mine"]) is True
    assert store.get("a") == b"mine"


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_put_get_and_list_survive(through: OpenStore, proxy: Proxy, fault: str, method: str) -> None:
    """One fault in a put, a get or a listing is not seen by who called."""
    store = through()
    proxy.fault = once(fault, method)
    store.put("a/b", [b"0123456789" * 10_000])
    assert store.get("a/b") == b"0123456789" * 10_000
    proxy.fault = once(fault, method)
    assert list(store.list("a/")) == ["a/b"]


@pytest.mark.parametrize("fault", ["500", "503", "before", "after"])
def test_a_delete_survives(through: OpenStore, proxy: Proxy, fault: str) -> None:
    """A delete is tried again, also where the first one was done and its answer lost."""
    store = through()
    store.put("a", [b""])
    proxy.fault = once(fault, "POST")
    store.delete("a")
    with pytest.raises(NotFound):
        store.get("a")


@pytest.mark.parametrize("call", ["put", "create", "get", "list", "delete"])
def test_a_service_that_stays_away_stops_the_run_resumably(through: OpenStore, proxy: Proxy, call: str) -> None:
    """When the time for trying again is over, the error is one to resume from, and says what cannot be done."""
    store = through(patience=0.5)
    proxy.fault = lambda _method, _path: "503"
    calls = {"put": ("a", [b"1"]), "create": ("a", [b"1"]), "get": ("a",), "list": ("a/",), "delete": ("a",)}
    with pytest.raises(StoreUnavailable, match=r"cannot (write|read|list|delete) this: HTTP status 503") as caught:
        getattr(store, call)(*calls[call])
    assert "--resume" in str(caught.value)
    assert caught.value.exit_code == 75


def test_a_create_that_only_a_read_back_could_settle(through: OpenStore, proxy: Proxy) -> None:
    """When every answer to the put is lost until the time is over, what is there decides."""
    store = through(patience=0.5)
    proxy.fault = lambda method, _path: "after" if method == "PUT" else ""
    assert store.create("a", [b"mine"]) is True
    assert store.create("a", [b"mine"]) is False


def test_a_name_that_is_taken_for_a_moment(through: OpenStore, proxy: Proxy) -> None:
    """A conflict (409) with a delete that is under way, after which there is no such object, is tried again."""
    store = through()
    proxy.fault = once("409", "PUT")
    assert store.create("a", [b"mine"]) is True


LARGE = [bytes([number]) * (1 << 20) for number in range(10)]
STEPS = {"begin": ("POST", "uploads"), "part": ("PUT", "partNumber="), "complete": ("POST", "uploadId=")}


def once_in(step: str, fault: str):
    """That fault for the first request of that step of an upload, none for others."""
    method, sign = STEPS[step]
    left = [fault]
    return lambda asked, path: left.pop() if asked == method and sign in path and left else ""


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has more than a megabyte goes up in several requests."""
    monkeypatch.setattr("orchestrator.store.remote._WHOLE", 1 << 20)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    ("step", "fault"), [*((step, fault) for step in STEPS for fault in FAULTS), ("complete", "gone")]
)
def test_a_large_put_survives(through: OpenStore, proxy: Proxy, step: str, fault: str) -> None:
    """One fault in any request of an upload is not seen by who called, and the object is whole."""
    store = through()
    proxy.fault = once_in(step, fault)
    store.put("a", LARGE)
    assert store.get("a") == b"".join(LARGE)


@pytest.mark.usefixtures("soon")
def test_an_upload_that_was_ended_by_somebody_else(through: OpenStore, proxy: Proxy) -> None:
    """Where the upload is gone and the object is not this one, that is told, and the old object stays."""
    store = through(patience=0.5)
    store.put("a", [b"old"])
    proxy.fault = lambda method, path: "404" if method == "POST" and "uploadId=" in path else ""
    with pytest.raises(StoreUnavailable, match="ended before it was complete"):
        store.put("a", iter(LARGE))
    assert store.get("a") == b"old"


@pytest.mark.usefixtures("soon")
def test_what_can_be_read_once_is_not_put_in_part(through: OpenStore, proxy: Proxy) -> None:
    """An upload that cannot begin and whose bytes are gone stops the run resumably; nothing is there."""
    store = through()
    proxy.fault = once_in("begin", "half")
    with pytest.raises(StoreUnavailable, match="cannot write this"):
        store.put("a", iter(LARGE))
    assert list(store.list("")) == []


def test_a_large_put_is_on_its_way_while_its_bytes_are_made(through: OpenStore, proxy: Proxy) -> None:
    """Who makes the bytes waits for requests to end: never more than six requests' bytes are ahead of what arrived."""
    behind: list[int] = []

    def made():
        for number in range(80):
            yield bytes(1 << 20)
            arrived = sum("partNumber=" in path for _, path in list(proxy.requests))
            behind.append(number + 1 - arrived * (REQUEST >> 20))

    store = through()
    store.put("a", made())
    assert len(store.get("a")) == 80 << 20
    assert max(behind) <= 6 * (REQUEST >> 20)


def dice(seed: int, share: float):
    """Faults by chance, of every kind; its own lock, as the proxy asks from many threads."""
    chance, lock = random.Random(seed), threading.Lock()

    def fault(_method: str, _path: str) -> str:
        with lock:
            return chance.choice(FAULTS) if chance.random() < share else ""

    return fault


def claimed(store: Store, worker: int, names: int) -> list[str]:
    """Which of many names a worker created."""
    return [f"n/{number}" for number in range(names) if store.create(f"n/{number}", [b"%d" % worker])]


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_racing_writers_under_faults(through: OpenStore, proxy: Proxy, seed: int) -> None:
    """Four writers race for 20 names while a third of all requests fail: each name has one winner, whose bytes stay."""
    proxy.fault = dice(seed, 0.3)
    store = through(patience=60)
    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(lambda worker: claimed(store, worker, 20), range(4)))
    assert sorted(name for names in won for name in names) == sorted(f"n/{number}" for number in range(20))
    for worker, names in enumerate(won):
        assert all(store.get(name) == b"%d" % worker for name in names)


def sitting(store: Store, units: int, mine: list[tuple[int, int]]) -> None:
    """Own the shard again and again, committing three units at a time, until it is done; note what was committed."""
    while True:
        ledger = Ledger(store, 0, 0, units)
        try:
            ledger.claim()
            for _ in range(3):
                gaps = ledger.progress.missing()
                if not gaps:
                    return
                lo = gaps[0][0]
                hi = min(lo + 3, gaps[0][1])
                commit = ledger.append(partial(chunk, ledger.epoch, lo, hi))
                if commit is not None:
                    mine.append((lo, hi))
        except Fenced:
            continue


def chunk(epoch: int | None, lo: int, hi: int, progress: Progress) -> Commit | None:
    """A commit of one chunk, unless it is done."""
    if progress.covers(lo, hi):
        return None
    return Commit(epoch=epoch or 0, ranges=[Range(lo, hi, hi - lo, 0, [], [])])


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_two_owners_of_one_shard_under_faults(through: OpenStore, proxy: Proxy, seed: int) -> None:
    """Two owners that fence each other while requests fail: every unit is committed once, none is lost."""
    proxy.fault = dice(seed, 0.2)
    notes: list[list[tuple[int, int]]] = [[], []]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda mine: sitting(through(patience=60), 30, mine), notes))
    proxy.fault = lambda _method, _path: ""
    ledger = Ledger(through(), 0, 0, 30)
    ledger.refresh()
    assert ledger.progress.complete
    assert ledger.progress.items == 30
    told = sorted(unit for mine in notes for lo, hi in mine for unit in range(lo, hi))
    assert told == list(range(30))


@pytest.mark.slow
def test_a_listing_goes_on_where_it_was_cut(through: OpenStore, proxy: Proxy) -> None:
    """A listing of several pages, one request of which fails, gives every name once."""
    store = through()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store.put(f"d/{number:05}", [b""]), range(1100)))
    turns = count()
    proxy.fault = lambda method, _path: "half" if method == "GET" and next(turns) == 1 else ""
    assert list(store.list("d/")) == [f"d/{number:05}" for number in range(1100)]
