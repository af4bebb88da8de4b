"""`run`: a program's own items, in its own process."""

import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import chain, count, islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator import Context, Fold, FtorchError, run, task
from orchestrator.api import going, held, lanes
from orchestrator.engine.pool import Pool
from orchestrator.errors import InputError, JobError, TaskError
from orchestrator.host.cpus import ThreadDecision
from orchestrator.spec.model import Retry
from orchestrator.spec.units import Duration

PATIENCE = 60


def double(number: int) -> int:
    """A task."""
    return 2 * number


def odd(number: int) -> int:
    """A task that half of the items fail."""
    if number % 2 == 0:
        raise ValueError(f"{number} is even")
    return number


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries do not wait."""
    monkeypatch.setattr(lanes, "Retry", lambda attempts: Retry(attempts=attempts, backoff=Duration(0)))


KINDS: list[Callable[[range], Any]] = [list, tuple, lambda items: items, iter, lambda items: (n for n in items)]
KINDS += [dict.fromkeys, lambda items: map(int, items)]


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("items", [0, 1, 7, 1000])
def test_results_stand_in_input_order(threads, kind, items):
    """Whatever gives the items, and however many threads there are, each has its result in its place."""
    ran = run(double, kind(range(items)), threads=threads)
    assert ran.results == [2 * number for number in range(items)]
    assert (ran.failures, ran.undone, ran.report.state, ran.report.items) == ([], {}, "done", items)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-20, 20), max_size=200), st.integers(1, 4), st.sampled_from([list, iter]))
def test_failures_take_the_place_of_results(items, threads, kind):
    """Every item has a result or a failure, in its place, with what was raised."""
    ran = run(odd, kind(items), threads=threads)
    assert ran.results == [number if number % 2 else None for number in items]
    failed = [(failed.index, failed.item, str(failed.error)) for failed in ran.failures]
    assert failed == [(at, number, f"{number} is even") for at, number in enumerate(items) if number % 2 == 0]
    assert (ran.report.items, ran.report.failed) == (len(items), len(ran.failures))


def test_a_failure_holds_the_callers_frames_only():
    """The traceback begins in the task, so that no list of the engine's is kept alive by it."""
    [failed] = run(odd, [2]).failures
    assert failed.error.__traceback__.tb_frame.f_code is odd.__code__
    assert failed.error.__traceback__.tb_next is None
    assert "in odd" in failed.traceback
    assert str(failed) == "item 0, 2: ValueError: 2 is even"
    assert run(int, ["x"]).failures[0].error.__traceback__ is None


def test_an_item_is_tried_again(at_once):
    """With attempts, what fails is tried so often; a failure says how often, and every try of others is one."""
    calls: Counter[int] = Counter()

    def call(number: int) -> int:
        calls[number] += 1
        if number == 3 or (number == 5 and calls[number] < 3):
            raise OSError("not now")
        return number

    ran = run(call, range(8), attempts=3, threads=1)
    assert ran.results == [0, 1, 2, None, 4, 5, 6, 7]
    assert [(failed.index, failed.attempts) for failed in ran.failures] == [(3, 3)]
    assert calls == Counter(dict.fromkeys(range(8), 1) | {3: 3, 5: 3})
    assert "(tried 3 times)" in str(ran)


def test_the_first_failure_is_raised_when_that_is_asked_for():
    """With on_error="raise" the item's own exception comes out, with what was done; nothing is begun after it."""
    calls: list[int] = []

    def call(number: int) -> int:
        calls.append(number)
        return 10 // (number - 2)

    with pytest.raises(ZeroDivisionError) as raised:
        run(call, count(), on_error="raise", threads=1)
    ran = raised.value.ran  # type: ignore[attr-defined]
    assert ran.report.state == "failed"
    assert ran.results[:4] == [-5, -10, None, 10]
    assert len(ran.results) == len(calls)
    assert ran.failures[0].error is raised.value
    assert "`ran`" in raised.value.__notes__[0]


def test_an_iterator_is_read_by_one_thread_at_a_time():
    """A generator, which threads must not enter together, is read under a lock: each of its items once."""
    for _ in range(20):
        inside = threading.Lock()

        def numbers(inside: threading.Lock = inside) -> Iterator[int]:
            for number in range(2000):
                assert inside.acquire(blocking=False)
                inside.release()
                yield number

        assert run(double, numbers(), threads=4).results == [2 * number for number in range(2000)]


def test_an_iterator_is_not_read_far_ahead():
    """What was read from an endless iterator when an item begins is what is being worked on, and no more."""
    read, begun, ahead = [], [], []

    def numbers() -> Iterator[int]:
        for number in range(100_000):
            read.append(number)
            yield number

    def call(number: int) -> None:
        # In this order: what is begun in between makes it less.
        ahead.append(len(read) - len(begun))
        begun.append(number)

    run(call, numbers(), threads=2)
    assert max(ahead) <= 3 * held._MOST_READ


def test_a_slow_iterator_does_not_hold_its_items_back(monkeypatch):
    """When reading takes long a chunk is what has come so far: an item is done before the next one is there."""
    monkeypatch.setattr(held, "_LONGEST_READ", 0.0)
    done = threading.Semaphore(1)

    def numbers() -> Iterator[int]:
        for number in range(50):
            assert done.acquire(timeout=PATIENCE)
            yield number

    assert run(lambda _: done.release(), numbers(), threads=2).report.items == 50


def test_what_an_iterator_raises_is_raised():
    """An iterator that breaks ends the run with its own exception; all that it gave before is done."""

    def numbers() -> Iterator[int]:
        yield from range(1000)
        raise OSError("the connection is gone")

    with pytest.raises(OSError, match="connection") as raised:
        run(double, numbers(), threads=2)
    ran = raised.value.ran  # type: ignore[attr-defined]
    assert ran.results == [2 * number for number in range(1000)]
    assert (ran.undone, ran.report.state) == ({}, "failed")


ITEMS = 100_000


def interrupted(items: Any, patch: pytest.MonkeyPatch, at: int = 500, threads: int = 2) -> Any:
    """What is left of a run over numbers that Ctrl-C interrupts at an item; those behind it wait for the halt."""
    halted = threading.Event()

    class Halting(Pool[Any]):
        def halt(self) -> None:
            super().halt()
            halted.set()

    def call(number: int) -> int:
        if number == at:
            os.kill(os.getpid(), signal.SIGINT)
        if number >= at:
            assert halted.wait(PATIENCE)
        return 2 * number

    patch.setattr(going, "Pool", Halting)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt) as raised:
        run(call, items, threads=threads)
    assert signal.getsignal(signal.SIGINT) is before
    return raised.value.ran  # type: ignore[attr-defined]


@pytest.mark.parametrize("threads", [1, 3])
def test_ctrl_c_loses_nothing_of_a_list(threads, monkeypatch):
    """After Ctrl-C each item of a list either has its result in its place, or is named as not done."""
    items = list(range(ITEMS))
    ran = interrupted(items, monkeypatch, threads=threads)
    undone = ran.undone
    assert ran.report.state == "interrupted"
    assert 0 < len(undone) < len(items)
    assert all(undone[at] == at for at in undone)
    assert len(ran.results) == len(items)
    assert all((result is None) == (at in undone) and result in (None, 2 * at) for at, result in enumerate(ran.results))
    assert f"{len(undone):,} items: see undone" in str(ran)


def test_ctrl_c_loses_nothing_of_a_generator(monkeypatch):
    """After Ctrl-C what was read and not done, and the rest of the generator, are all that is missing."""
    numbers = (number for number in range(ITEMS))
    ran = interrupted(numbers, monkeypatch)
    left = run(double, chain(ran.undone.values(), numbers))
    assert left.report.items + ran.report.items == ITEMS
    assert sorted(chain((r for r in ran.results if r is not None), left.results)) == list(range(0, 2 * ITEMS, 2))


def test_an_item_that_does_not_come_back_is_left_behind(monkeypatch):
    """After Ctrl-C an item that goes on for too long is not waited for; what the others did is there."""
    monkeypatch.setattr(going, "_GRACE", 0.0)
    go, there = threading.Event(), threading.Event()

    def call(number: int) -> int:
        if number == 0:
            there.set()
            assert go.wait(PATIENCE)
        elif number == 1:
            assert there.wait(PATIENCE)
            os.kill(os.getpid(), signal.SIGINT)
        return number

    with pytest.raises(KeyboardInterrupt) as raised:
        run(call, [0, 1], threads=2)
    go.set()
    ran = raised.value.ran  # type: ignore[attr-defined]
    assert ran.results[0] is None
    assert 0 in ran.undone


def test_outside_the_main_thread():
    """In another thread signals are left alone, and everything else is the same."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(run(double, range(100)).results))
    thread.start()
    thread.join(PATIENCE)
    assert found == [[2 * number for number in range(100)]]


ROWS = ["host", "python", "threads", "time", "cpu", "memory", "chunks", "items"]


class Log:
    """What state functions did."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.process = self.thread = 0

    def make_process(self, size: int) -> Iterator[dict[str, int]]:
        """State of the process."""
        self.process += 1
        yield {"size": size}
        self.told.append("process closed")

    def make_thread(self, process: dict[str, int]) -> Iterator[list[int]]:
        """State of a thread."""
        self.thread += 1
        yield [process["size"]]
        self.told.append("thread closed")


def test_states_are_made_and_cleaned_up():
    """Process state is made once, thread state once a thread, both with arguments by name; both are closed."""
    log = Log()

    @task(process=log.make_process, thread=log.make_thread)
    def embed(number: int, ctx: Context, factor: int) -> tuple[int, int]:
        return number * factor, ctx.thread[0] + ctx.process["size"]

    ran = run(embed, range(50), arguments={"size": 7, "factor": 3}, threads=2)
    assert ran.results == [(3 * number, 14) for number in range(50)]
    assert (log.process, log.thread) == (1, 2)
    assert log.told == ["thread closed", "thread closed", "process closed"]


def test_a_state_that_cannot_be_made():
    """A state function that raises ends the run before an item is begun, as a mistake of the task's."""

    def broken() -> None:
        raise OSError("no model here")

    for marked in (task(process=broken), task(thread=broken)):
        with pytest.raises(TaskError, match="no model here"):
            run(marked(lambda number: pytest.fail(f"{number} was begun")), range(10))


def test_a_batch_form():
    """A batch task gets lists; one bad item costs that item."""

    @task(batch=16)
    def roots(numbers: list[int]) -> list[float]:
        return [number**0.5 + 1 // number for number in numbers]

    ran = run(roots, [1, 4, 0, 9, 16])
    assert [failed.index for failed in ran.failures] == [2]
    assert ran.results == [2.0, 2.0, None, 3.0, 4.0]


def make_sum(finish: Callable[[int], Any] | None = None) -> Any:
    """A fold that adds up what `odd` gives."""

    @task(fold=Fold(zero=int, add=lambda a, b: a + b, merge=lambda a, b: a + b, finish=finish))
    def add_up(number: int) -> int:
        return odd(number)

    return add_up


def test_a_fold():
    """A fold has one result, of the items that did not fail, and no list of results."""
    ran = run(make_sum(finish=str), range(1000), threads=3)
    assert (ran.result, ran.results) == (str(500**2), [])
    assert len(ran.failures) == 500
    assert run(make_sum(), []).result == 0


def test_a_fold_keeps_the_order():
    """Chunks are merged in input order, so that an associative merge need not be commutative."""
    joined = Fold(zero=str, add=lambda text, one: text + one, merge=lambda one, other: one + other)
    text = task(fold=joined)(lambda number: f"{number} ")
    assert run(text, range(5000), threads=4).result == "".join(f"{number} " for number in range(5000))


def test_a_fold_whose_last_step_raises():
    """It is the task's mistake, told with what was done."""
    with pytest.raises(TaskError, match="ZeroDivisionError") as raised:
        run(make_sum(finish=lambda total: total // 0), range(10))
    assert raised.value.ran.report.items == 10  # type: ignore[attr-defined]


def test_threads_are_those_of_a_job(monkeypatch):
    """The number is the caller's, then FTORCH_THREADS's, then the machine's; never more than there are items."""
    assert run(double, range(9), threads=3).report.threads.reason == "asked for by threads="
    monkeypatch.setenv("FTORCH_THREADS", "5")
    report = run(double, range(100)).report
    assert (report.threads.threads, len(report.lanes)) == (5, 5)
    assert len(run(double, [1, 2]).report.lanes) == 2
    monkeypatch.setenv("FTORCH_THREADS", "many")
    with pytest.raises(JobError, match="FTORCH_THREADS"):
        run(double, [1])


def test_threads_follow_the_quota(monkeypatch):
    """When the quota grows while the run goes on, threads are added, and the report says so."""
    grown = threading.Barrier(3, timeout=PATIENCE)
    decisions = iter([ThreadDecision(3, "quota 3 CPUs")])

    class Quota:
        def __init__(self, *_: Any) -> None:
            pass

        def allowed(self) -> ThreadDecision | None:
            return next(decisions, None)

    monkeypatch.setattr(going, "QuotaWatch", Quota)
    ran = run(lambda _: grown.wait(), range(3), threads=2)
    assert len(ran.report.lanes) == 3 or len(ran.failures) == 0
    assert any("3 threads (quota 3 CPUs)" in warning for warning in ran.report.warnings)


def test_arguments_are_each_threads_own():
    """Numbers and texts are copied for each thread, so that threads count no references to one object."""
    seen: dict[int, Any] = {}
    together = threading.Barrier(2, timeout=PATIENCE)

    def call(number: int, factor: float, shared: list[int]) -> None:
        together.wait()
        seen[threading.get_ident()] = (factor, shared)

    shared = [1]
    assert run(call, [1, 2], arguments={"factor": 2.5, "shared": shared}, threads=2).failures == []
    (one, list_one), (other, list_other) = seen.values()
    assert one == other == 2.5
    assert one is not other
    assert list_one is list_other is shared


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"threads": 0}, "threads"),
        ({"threads": "two"}, "threads"),
        ({"threads": 5000}, "4096"),
        ({"attempts": 0}, "attempts"),
        ({"attempts": True}, "attempts"),
        ({"on_error": "ignore"}, "quarantine"),
        ({"arguments": ["a"]}, "arguments"),
        ({"arguments": {"nope": 1}}, "no argument 'nope'"),
    ],
)
def test_wrong_settings(settings, told):
    """A setting that cannot be is told with what it may be, before anything runs."""
    with pytest.raises(JobError, match=told):
        run(double, [1], **settings)


def test_wrong_tasks_and_items():
    """What is no function of one item, or cannot be iterated over, is told as such."""

    async def asynchronous(_number: int) -> None: ...

    class Asynchronous:
        def __aiter__(self) -> Any: ...

    for wrong in (5, asynchronous, lambda: None):
        with pytest.raises(TaskError):
            run(wrong, [1])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="found a int"):
        run(double, 5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="async for"):
        run(double, Asynchronous())  # type: ignore[arg-type]


def test_a_task_that_raises_an_interrupt():
    """KeyboardInterrupt raised by a task is its item's failure, as any exception is; no Ctrl-C comes that way."""

    def call(number: int) -> int:
        if number == 5:
            raise KeyboardInterrupt("mine")
        return number

    ran = run(call, range(10), threads=1)
    assert ran.results == [0, 1, 2, 3, 4, None, 6, 7, 8, 9]
    assert [(failed.index, type(failed.error)) for failed in ran.failures] == [(5, KeyboardInterrupt)]
    with pytest.raises(KeyboardInterrupt, match="mine"):
        run(call, range(10), threads=1, on_error="raise")


def test_it_prints():
    """What is given back prints as a report, and shows itself in one line; a notebook is shown the report."""
    ran = run(odd, range(20))
    lines = str(ran).splitlines()
    assert lines[0] == "done"
    assert [line.split()[0] for line in lines[1:9]] == ROWS
    assert "and 5 more: see failures" in str(ran)
    assert repr(ran) == "<Ran: done, 20, 10 failed>"
    assert str(ran.report).splitlines()[-1].split() == ["items", "20,", "10", "failed"]
    assert "none: the input is empty" in str(run(odd, []))

    class Printer:
        def text(self, text: str) -> None:
            self.shown = text

    printer = Printer()
    ran._repr_pretty_(printer, False)
    assert printer.shown == str(ran)
    ran._repr_pretty_(printer, True)
    assert printer.shown == repr(ran)


def test_run_is_a_function_whatever_is_imported():
    """The package `orchestrator.run`, which the engine imports, does not take the function's name."""
    import_module("orchestrator.engine.session")

    assert import_module("orchestrator").run is run
    assert sys.modules["orchestrator.run"] is not run
    assert issubclass(JobError, FtorchError)


def test_runs_in_a_task():
    """A task may itself run something."""
    ran = run(lambda number: sum(run(double, range(number), threads=2).results), range(10), threads=2)
    assert ran.results == [number * (number - 1) for number in range(10)]


def test_endless_input_can_be_cut():
    """A cut of an endless iterator ends where it says."""
    assert run(double, islice(count(), 5000)).results == list(range(0, 10000, 2))
