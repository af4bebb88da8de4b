"""Who publishes a run of many shards: one of those that find it complete, and another where that one dies."""

import os
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec import structs

from orchestrator.engine.joint import failed_elsewhere, publish_anew, publish_whole, read_shard, tell_tally, unsettled
from orchestrator.engine.protocol import Ended
from orchestrator.engine.turns import ANYBODY, claim_publishing
from orchestrator.errors import OutputError
from orchestrator.run.folder import is_finished
from orchestrator.run.ledger import Ledger
from orchestrator.run.records import Blob, Commit, FailedItem, Filled, Range
from orchestrator.run.tally import Tally, read_tallies, write_tally
from orchestrator.store.memory import MemoryStore
from tests.engine.shared_run import DONE, Interposed, rows, settle, shared_run

MOST_CALLS = 200


class Died(BaseException):
    """The process ended here."""


def die() -> None:
    """End this process."""
    raise Died


def test_the_last_to_settle_sees_all(tmp_path: Path) -> None:
    """Each shard's process tells its tally first, so the last of them finds nothing unsettled."""
    joint = shared_run(MemoryStore(), tmp_path, shards=3)
    for shard in (2, 0):
        settle(joint, shard)
        assert unsettled(joint)
    assert publish_whole(joint, 0, ()) is None or unsettled(joint) == [1]
    settle(joint, 1)
    assert unsettled(joint) == []


def test_one_of_two_publishes(tmp_path: Path) -> None:
    """The second to find a run complete leaves it to the first, which lives on another host; later it is done."""
    joint = shared_run(MemoryStore(), tmp_path)
    settle(joint, 0), settle(joint, 1)
    first = claim_publishing(joint.store, 0)
    assert first == 0
    assert publish_whole(joint, 1, ()) is None
    assert not is_finished(joint.store)
    report = publish_whole(joint, 0, ())
    assert report is not None
    assert (report.state, report.items) == ("done", 10)
    assert (tmp_path / "out.jsonl").read_bytes() == rows(0, 10)
    assert publish_whole(joint, 1, ()) is None


def test_a_process_may_come_in_between_anywhere(tmp_path: Path) -> None:
    """Whenever a second process of the same shard publishes while the first does, the output is there, whole, once."""
    for number in range(1, MOST_CALLS):
        base = tmp_path / str(number)
        base.mkdir()
        joint = shared_run(MemoryStore(), base)
        settle(joint, 0), settle(joint, 1)
        store = Interposed(joint.store, number, lambda joint=joint: publish_whole(joint, 1, ()))
        publish_whole(structs.replace(joint, store=store), 1, ())
        assert is_finished(joint.store)
        assert (base / "out.jsonl").read_bytes() == rows(0, 10)
        assert sorted(os.listdir(base)) == ["out.jsonl"]
        if not store.happened:
            assert number > 10
            return
    raise AssertionError("it asks the store too much")


def test_a_publisher_may_die_anywhere(tmp_path: Path) -> None:
    """Wherever the publisher dies, the next process of its shard does the rest."""
    for number in range(1, MOST_CALLS):
        base = tmp_path / str(number)
        base.mkdir()
        joint = shared_run(MemoryStore(), base)
        settle(joint, 0), settle(joint, 1)
        store = Interposed(joint.store, number, die)
        try:
            publish_whole(structs.replace(joint, store=store), 1, ())
        except Died:
            publish_whole(joint, 1, ())
        assert is_finished(joint.store)
        assert (base / "out.jsonl").read_bytes() == rows(0, 10)
        if not store.happened:
            assert number > 10
            return
    raise AssertionError("it asks the store too much")


def test_what_was_done_again_meanwhile_is_not_covered(tmp_path: Path) -> None:
    """A retry that commits and publishes while an older process is about to publish has the last word."""
    for number in range(1, MOST_CALLS):
        base = tmp_path / str(number)
        base.mkdir()
        joint = shared_run(MemoryStore(), base)
        settle(joint, 0)
        _settle_with_a_hole(joint)

        def retry(joint=joint) -> None:
            _fill(joint)
            # Told so where the other has put its file there and not noted yet that it did; that one does the rest.
            with suppress(OutputError):
                publish_anew(joint, ())

        store = Interposed(joint.store, number, retry)
        publish_whole(structs.replace(joint, store=store), 1, ())
        if not store.happened:
            assert number > 10
            return
        assert (base / "out.jsonl").read_bytes() == rows(0, 10), number
    raise AssertionError("it asks the store too much")


def _settle_with_a_hole(joint) -> None:
    """Shard 1 of a run of two, whose one range lacks its last item, which failed."""
    ledger = Ledger(joint.store, 1, 5, 10)
    ledger.claim()
    data = rows(5, 9)
    joint.store.put("shards/1/parts/hole", [data])
    joint.store.put("shards/1/parts/told", [_told(9)])
    failed = [FailedItem(5, 10, 4, len(data))]
    blobs = [Blob("shards/1/parts/hole", 0, len(data), zlib.crc32(data))]
    ledger.append(lambda _: Commit(0, [Range(5, 10, 5, 0, blobs, failed)], failures="shards/1/parts/told"))
    tell_tally(joint, 1, read_shard(joint, 1), DONE)


def _told(key: int) -> bytes:
    return b'{"key":%d,"error":"no","type":"ValueError","traceback":"","attempts":1,"chunk":[5,10],"index":4}\n' % key


def _fill(joint) -> None:
    ledger = Ledger(joint.store, 1, 5, 10)
    ledger.claim()
    data = rows(9, 10)
    joint.store.put("shards/1/parts/fill", [data])
    blob = Blob("shards/1/parts/fill", 0, len(data), zlib.crc32(data))
    ledger.append(lambda _: Commit(1, [], filled=[Filled(5, 10, 4, [blob])]))


def test_a_turn_is_taken_from_the_dead_and_by_whoever_is_told_to(tmp_path: Path) -> None:
    """A turn passes to the next process of its shard, to any where its owner is dead, and to who is told to take it."""
    joint = shared_run(MemoryStore(), tmp_path)
    assert claim_publishing(joint.store, 3) == 0
    assert claim_publishing(joint.store, 4) is None
    assert claim_publishing(joint.store, 3) == 1
    assert claim_publishing(joint.store, ANYBODY) == 2
    dead = b'{"host":"%s","pid":1,"started":0,"since":0,"shard":5}' % os.uname().nodename.encode()
    joint.store.put("publish/claims/000003", [dead])
    assert claim_publishing(joint.store, 4) == 4
    elsewhere = dead.replace(os.uname().nodename.encode(), b"another")
    joint.store.put("publish/claims/000005", [elsewhere])
    assert claim_publishing(joint.store, 4) is None


def test_a_tally_that_is_wrong_is_taken_back(tmp_path: Path) -> None:
    """Where a tally says settled and the ledger does not, nothing is published, and the tally goes."""
    joint = shared_run(MemoryStore(), tmp_path)
    settle(joint, 0)
    write_tally(joint.store, Tally(1, "settled", 5, 0, 0))
    assert publish_whole(joint, 0, ()) is None
    assert unsettled(joint) == [1]
    assert not (tmp_path / "out.jsonl").exists()


def test_failures_elsewhere_are_counted_by_tallies(tmp_path: Path) -> None:
    """What failed in other shards counts once they are settled, or were stopped; what is told last stands."""
    joint = shared_run(MemoryStore(), tmp_path, shards=4)
    write_tally(joint.store, Tally(0, "settled", 3, 0, 2))
    write_tally(joint.store, Tally(2, "stopped", 3, 0, 5))
    assert [failed_elsewhere(joint, shard) for shard in range(4)] == [5, 7, 2, 7]
    write_tally(joint.store, Tally(0, "settled", 3, 0, 1))
    assert read_tallies(joint.store)[0] == Tally(0, "settled", 3, 0, 1)
    assert len(list(joint.store.list("tallies/"))) == 2


@pytest.mark.parametrize(
    "name", ["x", "000001.settled.1.1", "000001.gone.1.1.1", "a.settled.1.1.1", "1.settled.-1.1.1"]
)
def test_what_is_no_tally_is_passed_over(name: str) -> None:
    """Other files that someone put there are none."""
    store = MemoryStore()
    store.put(f"tallies/{name}", [b""])
    assert read_tallies(store) == {}


def test_a_shard_that_goes_on_tells_nothing(tmp_path: Path) -> None:
    """A shard that was interrupted has come to nothing yet; one that failed by the rule has."""
    joint = shared_run(MemoryStore(), tmp_path)
    tell_tally(joint, 0, read_shard(joint, 0), Ended("interrupted", "stopped"))
    assert read_tallies(joint.store) == {}
    tell_tally(joint, 0, read_shard(joint, 0), Ended("failed", "too many"))
    assert read_tallies(joint.store)[0].state == "stopped"
