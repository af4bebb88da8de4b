"""The threads of an executor: an engine pool whose chunks are single calls, handed out as they are submitted.

Guarantees: a call is run once, or its future is cancelled or broken; calls start in the order of their submission; a
new thread is started exactly when a call would wait although fewer threads than allowed exist. Whoever puts a call in
and whoever finds none both hold `_lock` then, so that a thread is counted idle only while nothing waits. After `close`
what was submitted is still done, then the threads end; at the interpreter's end all crews are closed and waited for,
before exit handlers run. In a child process made by `os.fork` a crew refuses calls, since its threads are not there.

Assumes: nothing runs under `_lock` that could submit; a finalizer, which may come at any point, only calls `abandon`.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from concurrent.futures.thread import BrokenThreadPool
from queue import Empty, SimpleQueue
from typing import Any

from orchestrator.engine.board import Board
from orchestrator.engine.pace import Pace
from orchestrator.engine.pool import Pool

LOG = logging.getLogger("concurrent.futures")
SHUT = "cannot schedule new futures after shutdown"
EXITING = "cannot schedule new futures after interpreter shutdown"
_FORKED = "cannot schedule new futures: this process is a fork, and the executor's threads stayed in its parent"
_FAILED = "a thread's initializer raised; the executor cannot be used any more"

_alive: set[Crew] = set()


class Call:
    """A call that was submitted; it lets go of everything once it is run."""

    __slots__ = ("_held",)

    def __init__(self, future: Future[Any], fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> None:
        self._held: tuple[Future[Any], Callable[..., Any], tuple[Any, ...], Any] | None = (future, fn, args, kwargs)

    def run(self) -> None:
        """Run it, unless it was cancelled; its future has the result."""
        assert self._held is not None
        (future, fn, args, kwargs), self._held = self._held, None
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = fn(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - whatever it raised is the future's
            future.set_exception(error)
            # The exception's traceback holds this frame.
            del future, fn, args, kwargs
        else:
            future.set_result(result)

    def cancel(self) -> None:
        """Cancel its future."""
        assert self._held is not None
        self._held[0].cancel()

    def fail(self, error: BrokenExecutor) -> None:
        """Have it raise that; a future that was cancelled stays so."""
        assert self._held is not None
        if self._held[0].set_running_or_notify_cancel():
            self._held[0].set_exception(error)


class _Calls:
    """What the pool's threads take their calls from."""

    unit = "item"

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.queue: SimpleQueue[Call | None] = SimpleQueue()
        self.idle = 0

    def take(self, _units: int, _size: int) -> Call | None:
        """The call that was submitted first; waits for one. None when the crew was closed and nothing is left."""
        try:
            found = self.queue.get_nowait()
        except Empty:
            found = self._wait()
        if found is None:
            # The others are to see it, too.
            self.queue.put(None)
        return found

    def _wait(self) -> Call | None:
        with self.lock:
            try:
                return self.queue.get_nowait()
            except Empty:
                self.idle += 1
        return self.queue.get()

    def drain(self) -> list[Call]:
        """Take everything that waits."""
        taken: list[Call] = []
        while True:
            try:
                call = self.queue.get_nowait()
            except Empty:
                return taken
            if call is not None:
                taken.append(call)


class _CallLane:
    """A thread's lane: it runs calls, and has nothing to hand over."""

    unsettled = 0
    stack = ""

    def __init__(self) -> None:
        self.pace = Pace()

    def expire(self, lo: int, item: int) -> bool:  # noqa: ARG002
        """Calls have no time limit."""
        return False

    def next_due(self) -> float | None:
        """Nothing waits for a retry."""
        return None

    def settle(self) -> None:
        """Nothing waits for a retry."""

    def run(self, call: Call) -> None:
        """Run the call."""
        call.run()

    def cpu_seconds(self) -> float:
        """CPU seconds that this thread has used."""
        return time.thread_time()

    def close(self) -> None:
        """Nothing is held."""


class Crew:
    """The threads of one executor, and what they have to do. It knows nothing of the executor, which may go first.

    Args:
        most: how many threads there may be.
        prefix: what their names begin with.
        start: what each thread does first; if it raises, the crew is broken.
    """

    def __init__(self, most: int, prefix: str, start: Callable[[], object] | None) -> None:
        self._most = most
        self._start = start
        self._calls = _Calls()
        self._closed: str | None = None
        self._broken: str | None = None
        board = Board.private(most)
        self.pool: Pool[Call] = Pool(self._lane, self._calls, lambda _: None, self._left, board.line)
        self.pool.prefix = f"{prefix}_"

    @property
    def broken(self) -> str | None:
        """Why it takes no calls for ever more, if that is so."""
        return self._broken

    def submit(self, call: Call) -> None:
        """Have a call run, by a new thread if none is idle and there may be more.

        Raises:
            BrokenThreadPool: a thread could not be set up.
            RuntimeError: it was closed, or this process is a fork, or no thread can be started.
        """
        calls = self._calls
        with calls.lock:
            if self._broken is not None:
                raise BrokenThreadPool(self._broken)
            if self._closed is not None or _Exit.begun:
                raise RuntimeError(self._closed or EXITING)
            calls.queue.put(call)
            if calls.idle:
                calls.idle -= 1
            elif self.pool.allowed < self._most:
                self._grow()

    def _grow(self) -> None:
        before = self.pool.allowed
        if not before:
            _alive.add(self)
        try:
            self.pool.allow(before + 1)
        except RuntimeError:
            # The system gives no more threads; those that there are will do it.
            if not before:
                self._calls.drain()
                raise

    def close(self, reason: str = SHUT, *, cancel: bool = False) -> None:
        """Take no more calls, and have the threads end when those that wait are done, or at once if they are cancelled."""
        with self._calls.lock:
            self._closed = self._closed or reason
            waiting = self._calls.drain() if cancel else []
            self._calls.queue.put(None)
        for call in waiting:
            call.cancel()

    def abandon(self) -> None:
        """The executor is gone: as `close`, without a lock, for a finalizer may come while its thread holds it."""
        self._calls.queue.put(None)

    def join(self) -> None:
        """Wait until every thread has ended."""
        if self._closed != _FORKED:
            self.pool.join(None)

    def forked(self) -> None:
        """This process is a fork."""
        self._closed = _FORKED
        self._calls.lock = threading.Lock()

    def _lane(self, _index: int) -> _CallLane:
        try:
            if self._start is not None:
                self._start()
        except BaseException:
            LOG.critical("Exception in initializer:", exc_info=True)
            self._break()
            raise
        return _CallLane()

    def _break(self) -> None:
        with self._calls.lock:
            self._broken = self._broken or _FAILED
            waiting = self._calls.drain()
            self._calls.queue.put(None)
        for call in waiting:
            call.fail(BrokenThreadPool(self._broken))

    def _left(self) -> None:
        """A thread has ended."""
        if self.pool.error is not None:
            self._break()
        if self.pool.ended:
            _alive.discard(self)


class _Exit:
    """Whether the interpreter is ending."""

    begun = False


def _end_all() -> None:
    _Exit.begun = True
    crews = list(_alive)
    for crew in crews:
        crew.close(EXITING)
    for crew in crews:
        crew.join()


def _forget_all() -> None:
    for crew in list(_alive):
        crew.forked()
    _alive.clear()


# Not `atexit`: what still waits may itself use pools of the standard library, which are closed before exit handlers run.
try:
    threading._register_atexit(_end_all)  # type: ignore[attr-defined]  # noqa: SLF001 - as concurrent.futures does
except RuntimeError:
    _Exit.begun = True
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
