"""The threads of an executor: an engine pool whose chunks are single calls, handed out as they are submitted.

Guarantees: a call is run once, or its future is cancelled or broken; a new thread is started exactly when a call would
wait although fewer threads than allowed exist. After `close` what was submitted is still done, then the threads end;
at the interpreter's end all crews are closed and waited for, before exit handlers run. In a child process made by
`os.fork` a crew refuses calls, since its threads are not there. Assumes: a finalizer, which may come at any point, only
calls `abandon`.
"""

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures.thread import BrokenThreadPool

from orchestrator.api.calls import Call, CallLane, Calls
from orchestrator.engine.board import Board
from orchestrator.engine.pool import Pool

LOG = logging.getLogger("concurrent.futures")
SHUT = "cannot schedule new futures after shutdown"
EXITING = "cannot schedule new futures after interpreter shutdown"
_FORKED = "cannot schedule new futures: this process is a fork, and the executor's threads stayed in its parent"
_FAILED = "a thread's initializer raised; the executor cannot be used any more"

_alive: set[Crew] = set()


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
        self._calls = Calls()
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
        try:
            if not before:
                self._register()
            self.pool.allow(before + 1)
        except RuntimeError:
            # The system gives no more threads; those that there are will do it.
            if not before:
                self._calls.drain()
                _alive.discard(self)
                raise

    def _register(self) -> None:
        """Be waited for at the interpreter's end: whoever ends it sees this crew, or it is seen here that it ends."""
        _alive.add(self)
        if _Exit.begun:
            raise RuntimeError(EXITING)

    def close(self, reason: str = SHUT, *, cancel: bool = False) -> None:
        """Take no more calls, and have the threads end when those that wait are done, or cancelled."""
        if self._closed == _FORKED:
            return
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
        """This process is a fork: neither the threads nor who held the locks is here."""
        self._closed = _FORKED
        self._calls = Calls()

    def _lane(self, _index: int) -> CallLane:
        try:
            if self._start is not None:
                self._start()
        except BaseException:
            LOG.critical("Exception in initializer:", exc_info=True)
            self._break()
            raise
        return CallLane()

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


# Not `atexit`: what still waits may use pools of the standard library, which are closed before exit handlers run.
try:
    threading._register_atexit(_end_all)  # type: ignore[attr-defined]  # noqa: SLF001 - as concurrent.futures does
except RuntimeError:
    _Exit.begun = True
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
