"""The executor: what it promises beyond CPython's tests, and its races, each forced."""

import asyncio
import contextvars
import decimal
import gc
import os
import subprocess
import sys
import threading
import warnings
import weakref
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from concurrent.futures.thread import BrokenThreadPool
from typing import Any

import pytest

from orchestrator import Executor
from orchestrator.api import crew
from orchestrator.api.calls import Call
from orchestrator.host.cpus import cpu_facts, decide_threads

PATIENCE = 60


def threads_of(executor: Executor) -> list[threading.Thread]:
    """The threads it has started."""
    return list(executor._crew.pool._threads)


def script(code: str) -> subprocess.CompletedProcess[str]:
    """Run a script to its end."""
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", code],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


class Gate:
    """A call that waits until it is let go, and says when it has begun."""

    def __init__(self) -> None:
        self.began = threading.Semaphore(0)
        self._go = threading.Event()

    def __call__(self, value: Any = None) -> Any:
        self.began.release()
        assert self._go.wait(PATIENCE)
        return value

    def wait(self) -> None:
        """Wait until one call more has begun."""
        assert self.began.acquire(timeout=PATIENCE)

    def open(self) -> None:
        """Let all calls go."""
        self._go.set()


def test_threads_are_those_the_quota_allows():
    """Without a number there are as many threads as a job would have, and FTORCH_THREADS wins."""
    with Executor() as executor:
        expected = decide_threads("auto", "cpu", "floor", os.environ, cpu_facts()).threads
        assert executor._crew._most == expected
    done = script("from orchestrator import Executor; print(Executor()._crew._most)")
    assert done.stdout.split() == [str(expected)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FTORCH_THREADS", "7")
        assert Executor()._crew._most == 7


def test_idle_threads_are_used_again():
    """A thread that has come to wait is given the next call; none is started for it."""
    with Executor(8) as executor:
        for number in range(20):
            assert executor.submit(int, number).result(PATIENCE) == number
            while not executor._crew._calls.idle:
                os.sched_yield()
        assert len(threads_of(executor)) == 1


def test_a_call_never_waits_while_a_thread_could_be_started():
    """Calls that wait for each other all run at once, however quickly they are submitted: as many as threads."""
    for _ in range(50):
        together = threading.Barrier(4, timeout=PATIENCE)
        with Executor(4) as executor:
            executor.submit(int).result(PATIENCE)
            futures = [executor.submit(together.wait) for _ in range(4)]
            assert sorted(future.result(PATIENCE) for future in futures) == [0, 1, 2, 3]


def test_threads_start_with_an_empty_context():
    """Nothing of the submitter's context is seen, or shared, by a call: not even decimal's."""
    mine = contextvars.ContextVar("mine", default="unset")
    mine.set("main's")
    with decimal.localcontext() as context, Executor(1) as executor:
        context.prec = 5
        assert executor.submit(mine.get).result(PATIENCE) == "unset"
        assert executor.submit(lambda: len(contextvars.copy_context())).result(PATIENCE) <= 1
        assert executor.submit(lambda: decimal.getcontext() is context).result(PATIENCE) is False


def test_names():
    """Threads are named after the prefix, or after the executor's own number."""
    with Executor(2, "mine") as executor, Executor(1) as other:
        executor.submit(int).result(PATIENCE)
        other.submit(int).result(PATIENCE)
        assert threads_of(executor)[0].name == "mine_0"
        assert threads_of(other)[0].name.startswith("ftorch-executor-")


@pytest.mark.races
def test_shutdown_while_submitting():
    """Of calls that are submitted while another thread shuts down each is done or refused; none is lost."""
    for _ in range(100):
        executor, accepted = Executor(2), []
        ready = threading.Barrier(2, timeout=PATIENCE)

        def submit(executor: Executor = executor, accepted: list[Future[int]] = accepted, ready: Any = ready) -> None:
            ready.wait()
            try:
                accepted.extend(executor.submit(int, number) for number in range(1000))
            except RuntimeError as error:
                assert str(error) == crew.SHUT  # noqa: PT017

        submitter = threading.Thread(target=submit)
        submitter.start()
        ready.wait()
        executor.shutdown()
        submitter.join(PATIENCE)
        assert [future.result(0) for future in accepted] == list(range(len(accepted)))


@pytest.mark.races
def test_cancel_while_starting():
    """A future that is cancelled while its call is about to begin is either cancelled or done, and its call run so."""
    seen: list[tuple[bool, bool]] = []
    with Executor(2) as executor:
        for _ in range(2000):
            ran: list[int] = []
            future = executor.submit(ran.append, 1)
            cancelled = future.cancel()
            if not cancelled:
                future.result(PATIENCE)
            seen.append((cancelled, bool(ran)))
    assert set(seen) <= {(True, False), (False, True)}


def test_cancelled_calls_do_not_run():
    """A call that was cancelled before a thread came to it is passed over; the next one runs."""
    gate, ran = Gate(), []
    with Executor(1) as executor:
        first = executor.submit(gate, "first")
        gate.wait()
        second, third = executor.submit(ran.append, 2), executor.submit(ran.append, 3)
        assert second.cancel()
        assert not first.cancel()
        gate.open()
        third.result(PATIENCE)
    assert ran == [3]


def test_an_initializer_that_raises_breaks_the_executor(caplog):
    """Whatever waits, and whatever comes after, is told that the executor is broken; the cause is logged."""
    gate = Gate()

    def prepare() -> None:
        gate()
        raise ValueError("no model")

    executor = Executor(1, initializer=prepare)
    futures = [executor.submit(int) for _ in range(3)]
    gate.wait()
    cancelled = futures[1].cancel()
    gate.open()
    for future in (futures[0], futures[2]):
        assert isinstance(future.exception(PATIENCE), BrokenThreadPool)
    assert cancelled
    with pytest.raises(BrokenExecutor, match="initializer"):
        executor.submit(int)
    executor.shutdown()
    assert "no model" in caplog.text
    assert not any(thread.is_alive() for thread in threads_of(executor))


@pytest.mark.races
def test_an_initializer_that_raises_in_a_later_thread():
    """When the second thread cannot be set up the first finishes its call; both end, and nobody waits for ever."""
    gate, number = Gate(), iter(range(10))

    def prepare() -> None:
        if next(number) == 1:
            raise ValueError("no more models")

    executor = Executor(2, initializer=prepare)
    first = executor.submit(gate, "kept")
    gate.wait()
    second = executor.submit(int)
    assert isinstance(second.exception(PATIENCE), BrokenThreadPool)
    gate.open()
    assert first.result(PATIENCE) == "kept"
    executor.shutdown()
    assert executor._crew.pool.ended


def test_an_initializer_gets_its_arguments():
    """Each thread calls the initializer once, with its arguments, before its first call."""
    prepared: list[tuple[str, str]] = []

    def prepare(what: str) -> None:
        prepared.append((threading.current_thread().name, what))

    together = threading.Barrier(3, timeout=PATIENCE)
    with Executor(3, "p", prepare, ("model",)) as executor:
        for future in [executor.submit(together.wait) for _ in range(3)]:
            future.result(PATIENCE)
    assert sorted(prepared) == [(f"p_{index}", "model") for index in range(3)]


def test_wrong_arguments():
    """What cannot be is refused at once, as the standard library's executors refuse it."""
    with pytest.raises(ValueError, match="max_workers must be greater than 0"):
        Executor(0)
    with pytest.raises(TypeError, match="initializer must be a callable"):
        Executor(1, initializer=5)  # type: ignore[arg-type]
    with Executor(1) as executor, pytest.raises(ValueError, match="chunksize must be >= 1"):
        executor.map(int, [1], chunksize=0)


@pytest.mark.parametrize("chunksize", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("buffersize", [None, 1, 3])
def test_map_gives_every_result_in_order(chunksize, buffersize):
    """However items are grouped and however few are submitted ahead, results come in the order of the inputs."""
    with Executor(3) as executor:
        ways = {"chunksize": chunksize, "buffersize": buffersize}
        assert list(executor.map(str, range(20), **ways)) == [str(number) for number in range(20)]
        assert list(executor.map(pow, range(20), (2, 3) * 9, **ways)) == [n ** (2 + n % 2) for n in range(18)]
        assert list(executor.map(str, [], **ways)) == []
        assert list(executor.map(str, **ways)) == []


@pytest.mark.parametrize("chunksize", [1, 4, 100])
def test_map_raises_in_the_items_place(chunksize):
    """The results before an item that raises are given, whatever its chunk; then its exception comes."""
    with Executor(2) as executor:
        results = executor.map(lambda number: 60 // (number - 6), range(10), chunksize=chunksize)
        assert [next(results) for _ in range(6)] == [60 // (number - 6) for number in range(6)]
        with pytest.raises(ZeroDivisionError):
            next(results)


def test_map_stops_what_has_not_begun():
    """Closing the results of a map with chunks cancels the chunks that no thread has come to."""
    gate, ran = Gate(), []

    def call(number: int) -> int:
        gate()
        ran.append(number)
        return number

    with Executor(1) as executor:
        results: Any = executor.map(call, range(9), chunksize=3, timeout=0)
        gate.wait()
        with pytest.raises(TimeoutError):
            next(results)
        gate.open()
    assert ran == [0, 1, 2]


def test_map_is_not_read_far_ahead():
    """With a buffer an endless input is read only as far ahead as the buffer's chunks."""
    read: list[int] = []

    def numbers() -> Iterator[int]:
        for number in iter(int, 1):
            read.append(number)
            yield number

    with Executor(2) as executor:
        results = executor.map(str, numbers(), chunksize=5, buffersize=2)
        assert [next(results) for _ in range(5)] == ["0"] * 5
        assert len(read) <= 15
        results.close()  # type: ignore[attr-defined]


def test_it_is_asyncios_default_executor():
    """An event loop takes it as its default, and ends it with itself."""
    executor = Executor(2)

    async def main() -> list[int]:
        asyncio.get_running_loop().set_default_executor(executor)
        return list(await asyncio.gather(*(asyncio.to_thread(pow, number, 2) for number in range(20))))

    assert asyncio.run(main()) == [number**2 for number in range(20)]
    assert isinstance(executor, ThreadPoolExecutor)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(int)


@pytest.mark.races
def test_an_executor_that_is_dropped_does_what_waits():
    """An executor that nobody holds any more is collected; its calls are done, and its threads end."""
    gate = Gate()
    executor = Executor(1)
    gone, threads = weakref.ref(executor), threads_of
    futures = [executor.submit(gate, number) for number in range(3)]
    running = threads(executor)
    gate.wait()
    del executor
    gc.collect()
    assert gone() is None
    gate.open()
    assert [future.result(PATIENCE) for future in futures] == [0, 1, 2]
    for thread in running:
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.mark.races
def test_an_executor_that_is_dropped_while_its_lock_is_held():
    """The collector may run in a thread that holds the crew's lock: dropping the executor takes none."""
    executor = Executor(1)
    executor.submit(int).result(PATIENCE)
    made, threads = executor._crew, threads_of(executor)
    with made._calls.lock:
        del executor
        gc.collect()
    threads[0].join(PATIENCE)
    assert made.pool.ended


def test_calls_that_wait_at_exit_are_done():
    """What was submitted when the script's last line is over is done, and may use all of the standard library."""
    done = script("""if True:
        import asyncio, threading, atexit
        from orchestrator import Executor
        atexit.register(print, "exit handlers")
        go = threading.Event()
        executor = Executor(1)
        executor.submit(go.wait)
        async def inner():
            return await asyncio.to_thread(str, "from a thread of a thread")
        executor.submit(lambda: print(asyncio.run(inner())))
        go.set()
    """)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["from a thread of a thread", "exit handlers"]


def test_an_idle_executor_does_not_hold_up_the_exit():
    """A script that ends without shutting its executor down ends."""
    done = script("from orchestrator import Executor; e = Executor(4); print(list(e.map(abs, range(-3, 1))))")
    assert (done.returncode, done.stdout, done.stderr) == (0, "[3, 2, 1, 0]\n", "")


@pytest.mark.races
def test_a_first_call_while_the_interpreter_ends():
    """A crew whose first call comes when all others were closed refuses it: nobody would wait for its thread."""
    late = Executor(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crew._Exit, "begun", True)
        with pytest.raises(RuntimeError, match="interpreter shutdown"):
            late._crew._register()
        with pytest.raises(RuntimeError, match="interpreter shutdown"):
            late.submit(int)
    crew._alive.discard(late._crew)


def test_when_no_thread_can_be_started(monkeypatch):
    """Without a first thread a call is refused and forgotten; later ones are left to the threads that there are."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    gate = Gate()
    with Executor(2) as executor:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            with pytest.raises(RuntimeError, match="can't start"):
                executor.submit(int)
        first = executor.submit(gate, 1)
        gate.wait()
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            second = executor.submit(gate, 2)
        gate.open()
        assert [first.result(PATIENCE), second.result(PATIENCE)] == [1, 2]
        assert len(threads_of(executor)) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_in_a_fork_it_refuses_and_the_fork_ends():
    """A forked child is told that the threads stayed behind, can shut down, and ends; the parent goes on."""
    done = script("""if True:
        import os, threading, warnings
        from orchestrator import Executor
        go = threading.Event()
        executor = Executor(2)
        first = executor.submit(go.wait)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            child = os.fork()
        if child == 0:
            try:
                executor.submit(int)
            except RuntimeError as error:
                print("child:", error, flush=True)
            executor.shutdown()
            with Executor(1) as own:
                print("child:", own.submit(abs, -1).result(), flush=True)
            raise SystemExit(5)
        print("parent:", [w.category.__name__ for w in told], os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        go.set()
        print("parent:", first.result(), executor.submit(abs, -2).result())
    """)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "child: cannot schedule new futures: this process is a fork, and the executor's threads stayed in its parent",
        "child: 1",
        "parent: ['DeprecationWarning'] 5",
        "parent: True 2",
    ]


def test_a_call_lets_go_of_what_it_held():
    """After it has run, a call holds neither function nor arguments nor future."""
    call = Call(Future(), int, ("1",), {})
    call.run()
    assert call._held is None


def test_nothing_is_warned_of():
    """Making, using and dropping executors gives no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Executor(2) as executor:
            assert list(executor.map(abs, range(-5, 0), chunksize=2)) == [5, 4, 3, 2, 1]
