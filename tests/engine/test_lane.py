"""From a chunk to its outcome: every item settled, its results in order, its failures told."""

import errno
import threading
import time
from collections import Counter
from typing import Any

import pytest

from orchestrator.engine import board
from orchestrator.engine.dispenser import Chunk
from orchestrator.engine.outcome import WHOLE_CHUNK
from orchestrator.engine.sinks import EncoderSink
from orchestrator.errors import InputError, StoreUnavailable
from orchestrator.outputs.open import open_encoder
from orchestrator.spec.model import Output, Retry
from orchestrator.spec.units import Duration
from tests.engine.parts import Item, Script, bench, encoder_sink, places, records, tries


class Flaky:
    """A task that doubles; named items fail so many times first."""

    def __init__(self, failures: dict[int, int]) -> None:
        self.left = dict(failures)
        self.calls: Counter[int] = Counter()

    def __call__(self, value: int) -> int:
        self.calls[value] += 1
        if self.left.get(value, 0):
            self.left[value] -= 1
            raise ValueError(f"not yet {value}")
        return 2 * value


NEVER = 10**9


def doubled(*numbers: int) -> list[tuple[str, int]]:
    """The records of these items."""
    return [(f"k{number}", 2 * number) for number in numbers]


def test_results_are_in_order(tmp_path):
    """A chunk over several batches gives one record an item, in input order, and all that it read is counted."""
    outcome = bench(tmp_path, Script(places(10)), Flaky({})).settled(Chunk(2, 9))
    assert records(outcome.token) == doubled(*range(2, 9))
    assert (outcome.lo, outcome.hi, outcome.items, outcome.nbytes) == (2, 9, 7, 7)
    assert (outcome.retried, outcome.failures) == (None, [])


@pytest.mark.parametrize("failing", [[0], [3], [9], [0, 1, 2], [2, 3, 4], list(range(10))])
def test_an_item_that_raises_costs_that_item(tmp_path, failing):
    """Wherever failed items lie, the others have their results, and each failed one says what it raised."""
    outcome = bench(tmp_path, Script(places(10)), Flaky(dict.fromkeys(failing, NEVER))).settled(Chunk(0, 10))
    assert records(outcome.token) == doubled(*(n for n in range(10) if n not in failing))
    told = [(failed.detail.key, failed.detail.index, failed.detail.error) for failed in outcome.failures]
    assert told == [(f"k{n}", n, f"not yet {n}") for n in failing]
    assert outcome.items == 10


def test_a_failure_shows_the_users_code(tmp_path):
    """The traceback begins in the task, not in the engine, and ends with the error."""
    [failed] = bench(tmp_path, Script(places(1)), Flaky({0: 1})).settled(Chunk(0, 1)).failures
    assert failed.detail.type == "ValueError"
    assert "test_lane.py" in failed.detail.traceback
    assert "orchestrator/engine" not in failed.detail.traceback
    assert failed.detail.traceback.endswith("ValueError: not yet 0\n")
    assert failed.detail.chunk == (0, 1)


@pytest.mark.parametrize("error", [SystemExit(3), StopIteration(1), RecursionError(), MemoryError(), OSError("no")])
def test_whatever_a_task_raises_costs_the_item(tmp_path, error):
    """A task that calls sys.exit, or raises what ends a loop, costs its item; the loop goes on behind it."""

    def call(value: int) -> int:
        if value == 1:
            raise error
        return 2 * value

    outcome = bench(tmp_path, Script(places(4)), call).settled(Chunk(0, 4))
    assert records(outcome.token) == doubled(0, 2, 3)
    assert [failed.detail.type for failed in outcome.failures] == [type(error).__name__]


def test_an_error_whose_text_is_not_unicode(tmp_path):
    """An error message with lone surrogates, and a key with them, can be written down."""

    def call(value: int) -> int:
        raise ValueError("caf\udce9")

    source = Script([Item(0)])
    made = bench(tmp_path, source, call)
    [failed] = made.settled(Chunk(0, 1)).failures
    assert failed.detail.error == "caf\\udce9"
    failed.detail.traceback.encode()


@pytest.mark.parametrize("batch", [None, 2])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit(), BaseException("own")])
def test_whatever_a_task_raises_in_a_thread_costs_the_item(tmp_path, error, batch):
    """In a thread no Ctrl-C arrives: KeyboardInterrupt is the task's own there, as any other BaseException is."""

    def call(value: Any) -> Any:
        raise error

    made = bench(tmp_path, Script(places(2)), call, batch=batch)
    outcomes: list[Any] = []
    thread = threading.Thread(target=lambda: outcomes.append(made.settled(Chunk(0, 2))))
    thread.start()
    thread.join()
    [outcome] = outcomes
    assert [failed.detail.type for failed in outcome.failures] == [type(error).__name__] * 2


def test_an_interrupt_passes(tmp_path):
    """A Ctrl-C, of which the main thread is told, is no item's failure."""

    def call(value: int) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench(tmp_path, Script(places(2)), call).lane.run(Chunk(0, 2))


def test_a_failed_item_is_tried_again(tmp_path):
    """An item that fails twice has its result in its place after the third try; the others are called once."""
    task = Flaky({4: 2, 7: 1})
    outcome = bench(tmp_path, Script(places(10)), task, retry=tries(3)).settled(Chunk(0, 10))
    assert records(outcome.token) == doubled(*range(10))
    assert outcome.failures == []
    assert task.calls == Counter(dict.fromkeys(range(10), 1) | {4: 3, 7: 2})


def test_attempts_are_counted(tmp_path):
    """An item that never succeeds is tried as often as the job says, and its failure says how often that was."""
    task = Flaky({1: NEVER, 2: 3})
    outcome = bench(tmp_path, Script(places(3)), task, retry=tries(4)).settled(Chunk(0, 3))
    assert records(outcome.token) == doubled(0, 2)
    assert [(failed.detail.key, failed.detail.attempts) for failed in outcome.failures] == [("k1", 4)]
    assert task.calls == Counter({0: 1, 1: 4, 2: 4})


def test_waits_double_up_to_the_longest(tmp_path, monkeypatch):
    """The n-th wait is backoff times 2ⁿ⁻¹, and at most max_backoff; before its time nothing is tried."""
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    retry = Retry(attempts=6, backoff=Duration(2), max_backoff=Duration(10))
    task = Flaky({0: NEVER})
    lane = bench(tmp_path, Script(places(1)), task, retry=retry).lane
    assert lane.run(Chunk(0, 1)) is None
    waits = []
    for tried in range(1, 6):
        due = lane.next_due()
        waits.append(due - clock[0])
        clock[0] = due - 0.001
        assert lane.settle() is None
        assert (task.calls[0], lane.unsettled) == (tried, 1)
        clock[0] = due
        outcome = lane.settle()
        assert (outcome is None) == (tried < 5)
    assert waits == [2, 4, 8, 10, 10]
    assert (lane.next_due(), lane.unsettled) == (None, 0)


def test_a_waiting_item_does_not_hold_up_the_lane(tmp_path):
    """While items of one chunk wait, other chunks are done; each gives its outcome when its own items are settled."""
    long = Retry(attempts=2, backoff=Duration(3600), max_backoff=Duration(3600))
    made = bench(tmp_path, Script(places(6)), Flaky({1: NEVER}), retry=long)
    assert made.lane.run(Chunk(0, 3)) is None
    assert made.board.read().lines[0].state == board.WAITING
    outcome = made.lane.run(Chunk(3, 6))
    assert outcome is not None
    assert records(outcome.token) == doubled(3, 4, 5)
    assert made.lane.unsettled == 1
    assert made.lane.settle() is None


def test_several_chunks_wait_at_a_time(tmp_path):
    """Retries of several chunks are settled one by one, and none is lost."""
    made = bench(tmp_path, Script(places(12)), Flaky(dict.fromkeys((1, 4, 7, 10), 1)), retry=tries(2))
    assert [made.lane.run(Chunk(lo, lo + 3)) for lo in (0, 3, 6, 9)] == [None] * 4
    settled = [made.lane.settle() for _ in range(4)]
    assert sorted((found.lo, records(found.token)) for found in settled) == [
        (lo, doubled(lo, lo + 1, lo + 2)) for lo in (0, 3, 6, 9)
    ]


def test_items_that_cannot_be_made(tmp_path):
    """A line that is no JSON fails at once, under a number of its own, and is counted as an item."""
    task = Flaky({2: NEVER})
    outcome = bench(tmp_path, Script(places(8, bad=[0, 3, 4, 7])), task, retry=tries(2)).settled(Chunk(0, 8))
    assert records(outcome.token) == doubled(1, 5, 6)
    told = [(failed.detail.key, failed.detail.index, failed.detail.attempts) for failed in outcome.failures]
    assert told == [("k0", -1, 1), ("k2", 1, 2), ("k3", -2, 1), ("k4", -3, 1), ("k7", -4, 1)]
    assert outcome.items == 8


def test_a_result_that_cannot_be_written(tmp_path):
    """A result that the format cannot hold costs that item, whose call is not made again for it."""
    calls = Counter()

    def call(value: int) -> object:
        calls[value] += 1
        return object() if value in (0, 4) else 2 * value

    outcome = bench(tmp_path, Script(places(6)), call, retry=tries(3)).settled(Chunk(0, 6))
    assert records(outcome.token) == doubled(1, 2, 3, 5)
    told = [(failed.detail.key, failed.detail.type, failed.detail.attempts) for failed in outcome.failures]
    assert told == [("k0", "TypeError", 1), ("k4", "TypeError", 1)]
    assert set(calls.values()) == {1}


class Refusing:
    """An encoder whose place to write to refuses one item's result."""

    needs_keys = False

    def __init__(self, code: int) -> None:
        self.code = code

    def encode(self, _keys, results):
        if 2 in results:
            raise OSError(self.code, "refused", "out/2")
        return b"".join(b"%d\n" % result for result in results)


def test_a_full_disk_is_nobodys_item(tmp_path):
    """Where the output's disk is full the run stops, resumable; no item is blamed for it."""
    for code in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO):
        made = bench(tmp_path, Script(places(3)), lambda value: value, sink=EncoderSink(Refusing(code)))
        with pytest.raises(StoreUnavailable, match="refused"):
            made.lane.run(Chunk(0, 3))


def test_a_name_that_is_too_long_is_its_items_fault(tmp_path):
    """An output file that cannot be made under that name costs its item alone."""
    sink = EncoderSink(Refusing(errno.ENAMETOOLONG))
    outcome = bench(tmp_path, Script(places(4)), lambda value: value, sink=sink).settled(Chunk(0, 4))
    assert outcome.token == b"0\n1\n3\n"
    assert [failed.detail.index for failed in outcome.failures] == [2]


def test_a_chunk_that_cannot_be_read_is_read_again(tmp_path):
    """A read that fails halfway and then works gives each item once."""
    task = Flaky({})
    source = Script(places(9), raises=[OSError(errno.EIO, "bad sector")], after=2)
    outcome = bench(tmp_path, source, task, retry=tries(2)).settled(Chunk(0, 9))
    assert records(outcome.token) == doubled(*range(9))
    assert (outcome.items, outcome.nbytes, outcome.failures) == (9, 9, [])


def test_files_of_a_chunk_that_is_read_again(tmp_path):
    """What a tree got of the first, broken reading does not stand in the way of the second."""
    sink = EncoderSink(open_encoder(Output(format="tree", name="{key}"), "tree", tmp_path / "tree", False))
    source = Script(places(9), raises=[OSError(errno.EIO, "bad sector")], after=2)
    outcome = bench(tmp_path, source, lambda value: b"%d" % value, sink=sink, retry=tries(2)).settled(Chunk(0, 9))
    assert outcome.failures == []
    assert {path.name: path.read_bytes() for path in (tmp_path / "tree").iterdir()} == {
        f"k{n}": b"%d" % n for n in range(9)
    }


def test_a_chunk_that_can_never_be_read_is_one_failure(tmp_path):
    """After the last attempt the whole chunk is told as one failed item, and none of its results is kept."""
    source = Script(places(9), raises=[OSError(errno.EIO, "bad sector")] * 3, after=1)
    outcome = bench(tmp_path, source, Flaky({}), retry=tries(3)).settled(Chunk(0, 9))
    assert outcome.token == b""
    [failed] = outcome.failures
    assert (failed.detail.index, failed.detail.attempts, failed.detail.key) == (WHOLE_CHUNK, 3, "script@0")
    assert "bad sector" in failed.detail.error
    assert source.raises == []


def test_another_file_than_planned_is_not_read_again(tmp_path):
    """A file that is not the one that was planned fails at once: reading it again cannot help."""
    source = Script(places(9), raises=[InputError("it has another size"), InputError("it has another size")])
    outcome = bench(tmp_path, source, Flaky({}), retry=tries(5)).lane.run(Chunk(0, 9))
    assert outcome is not None
    assert [failed.detail.type for failed in outcome.failures] == ["InputError"]
    assert len(source.raises) == 1


def test_a_retry_does_only_what_failed(tmp_path):
    """A chunk of failed items calls the task on these alone, and says which they were."""
    task = Flaky({})
    outcome = bench(tmp_path, Script(places(10)), task).settled(Chunk(0, 10, only=(4,)))
    assert records(outcome.token) == doubled(4)
    assert outcome.retried == (4,)
    assert task.calls == Counter({4: 1})


def test_a_retry_numbers_items_as_the_first_time(tmp_path):
    """Items that could not be made take no number of those that could, in the retry as in the first reading."""
    source = Script(places(10, bad=[1, 5]))
    first = bench(tmp_path, source, Flaky({7: NEVER})).settled(Chunk(0, 10))
    number = next(failed.detail.index for failed in first.failures if failed.detail.key == "k7")
    again = bench(tmp_path, source, Flaky({})).settled(Chunk(0, 10, only=(number,)))
    assert records(again.token) == doubled(7)
    assert again.failures == []


@pytest.mark.parametrize(("number", "key"), [(-1, "k1"), (-2, "k5"), (-3, "k6")])
def test_a_retry_of_an_item_that_cannot_be_made(tmp_path, number, key):
    """It fails again, under the same number and key."""
    outcome = bench(tmp_path, Script(places(10, bad=[1, 5, 6]), batch=8), Flaky({})).settled(
        Chunk(0, 10, only=(number,))
    )
    assert outcome.token == b""
    assert [(failed.detail.index, failed.detail.key) for failed in outcome.failures] == [(number, key)]


def test_a_retry_of_a_whole_chunk(tmp_path):
    """A chunk that could not be read at all is done whole when its failure is retried."""
    outcome = bench(tmp_path, Script(places(5)), Flaky({})).settled(Chunk(0, 5, only=(WHOLE_CHUNK,)))
    assert records(outcome.token) == doubled(*range(5))
    assert outcome.retried == (WHOLE_CHUNK,)


def test_a_retry_has_its_attempts(tmp_path):
    """A retried item is tried as often as any other, and its failure says so."""
    task = Flaky({4: NEVER})
    outcome = bench(tmp_path, Script(places(10)), task, retry=tries(3)).settled(Chunk(0, 10, only=(4,)))
    assert [(failed.detail.key, failed.detail.attempts) for failed in outcome.failures] == [("k4", 3)]
    assert task.calls == Counter({4: 3})


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 6, 7])
def test_a_limit_within_a_chunk(tmp_path, limit):
    """Of an entry that cannot be cut, the first so many items are done and no other."""
    task = Flaky({})
    outcome = bench(tmp_path, Script(places(7)), task).settled(Chunk(0, 7, limit=limit))
    assert records(outcome.token) == doubled(*range(limit))
    assert (outcome.items, sorted(task.calls)) == (limit, list(range(limit)))


@pytest.mark.parametrize("limit", range(1, 9))
def test_a_limit_counts_items_that_cannot_be_made(tmp_path, limit):
    """Lines that are no JSON are items, so they count towards the limit, and those behind it are not told of."""
    bad = {0, 2, 3, 7}
    outcome = bench(tmp_path, Script(places(8, bad=bad)), Flaky({})).settled(Chunk(0, 8, limit=limit))
    assert records(outcome.token) == doubled(*(n for n in range(limit) if n not in bad))
    assert [failed.detail.key for failed in outcome.failures] == [f"k{n}" for n in sorted(bad) if n < limit]
    assert outcome.items == limit


def test_the_board_tells_what_is_done(tmp_path):
    """Finished chunks add to the lane's line; while one runs, the line says which and how far it is."""
    seen = []

    def call(value: int) -> int:
        line = made.board.read().lines[0]
        seen.append((line.lo, line.hi, line.item, line.state))
        if value == 5:
            raise ValueError
        return value

    made = bench(tmp_path, Script(places(8)), call)
    made.settled(Chunk(0, 2))
    made.settled(Chunk(2, 8))
    assert seen[:3] == [(0, 2, 0, board.RUNNING), (0, 2, 1, board.RUNNING), (2, 8, 0, board.RUNNING)]
    assert [item for lo, _, item, _ in seen if lo == 2] == list(range(6))
    line = made.board.read().lines[0]
    assert (line.items, line.nbytes, line.failed, line.chunks) == (8, 8, 1, 2)


def test_keys_are_made_only_when_needed(tmp_path):
    """Where the output has no keys and nothing fails, no key is ever made."""

    class Keyless(Script):
        def _batch(self, start, stop):
            batch = super()._batch(start, stop)
            batch.keys = lambda: pytest.fail("keys were made")
            return batch

    outcome = bench(tmp_path, Keyless(places(5)), lambda value: value, sink=encoder_sink(keys=False)).settled(
        Chunk(0, 5)
    )
    assert outcome.token == b"0\n1\n2\n3\n4\n"


def test_an_empty_chunk(tmp_path):
    """A stretch without items (bytes inside one line) gives no bytes and no items, and is done."""

    class Nothing(Script):
        def read(self, pieces):  # noqa: ARG002
            return iter(())

    outcome = bench(tmp_path, Nothing(places(5)), Flaky({})).settled(Chunk(0, 5))
    assert (outcome.token, outcome.items, outcome.failures) == (b"", 0, [])
