"""The waits that a thread knows of itself: for its results to be taken, for leave to work, for a retry."""

import threading

import pytest

from orchestrator.engine import committer as committing
from orchestrator.engine.outcome import Outcome
from orchestrator.spec.units import Duration
from orchestrator.store.memory import MemoryStore
from tests.engine.parts import committer_of, owned, tries
from tests.engine.test_pool import Crew, Gates


def outcome(size: int) -> Outcome:
    """An outcome of so many bytes."""
    return Outcome(0, 1, None, b"x" * size, 1, 0, [])


def test_an_offer_that_need_not_wait(monkeypatch):
    """It has waited no time at all; the main thread's wait says whether there is something to do."""
    store = MemoryStore()
    committer = committer_of(store, owned(store, 10))
    assert not committer.wait(0)
    assert committer.offer(outcome(10)) == 0.0
    assert not committer.wait(0)
    committer.poke()
    assert committer.wait(60)
    assert not committer.wait(0)
    monkeypatch.setattr(committing, "WAKE_BYTES", 10)
    monkeypatch.setattr(committing, "COMMIT_BYTES", 10)
    assert committer.wait(60)


def test_an_offer_that_waits(monkeypatch):
    """An offer that waits until bytes are written says how long."""
    monkeypatch.setattr(committing, "WAKE_BYTES", 10)
    monkeypatch.setattr(committing, "MOST_BYTES", 20)
    monkeypatch.setattr(committing, "COMMIT_BYTES", 10)
    store = MemoryStore()
    committer = committer_of(store, owned(store, 10))
    waited: list[float] = []
    thread = threading.Thread(target=lambda: waited.append(committer.offer(outcome(30))))
    thread.start()
    committer.wait(60)
    committer.commit()
    thread.join(60)
    assert waited[0] > 0


def test_a_parked_thread(tmp_path):
    """The time it waits for leave is noted, and no other."""
    gates = Gates()
    crew = Crew(tmp_path, gates)
    crew.pool.allow(2)
    gates.arrived(0)
    gates.arrived(1)
    crew.pool.allow(1)
    gates.let(1, 1)
    crew.until_parked(1)
    crew.pool.allow(2)
    gates.let(0)
    gates.let(1)
    crew.finish()
    first, second = (record.watch for record in crew.pool.records)
    assert (first.parked, first.retrying, second.retrying) == (0.0, 0.0, 0.0)
    assert second.parked > 0
    assert all(watch.ended is not None and watch.created < watch.ended for watch in (first, second))


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_thread_that_waits_for_a_retry(tmp_path, monkeypatch, attempts):
    """The time in which there is nothing to do but to wait for a retry is noted."""
    monkeypatch.setattr("tests.engine.test_pool.tries", lambda _: tries(attempts, Duration(0.01)))

    def fail(value: int) -> int:
        raise ValueError(value)

    crew = Crew(tmp_path, fail, items=1, threads=1)
    crew.pool.allow(1)
    crew.finish()
    assert (crew.pool.records[0].watch.retrying > 0) == (attempts > 1)
