"""Calls made ahead of whoever needs their results, in threads of their own.

Guarantees: a call is made once, and its result or error is given to the one that asks; one that no thread has begun
when its result is asked for is made by who asks, so asking never waits behind other calls. Assumes: one thread starts
calls and asks; the calls share nothing. A thread that is stuck in a call (a network file system that is gone) is left
behind: it dies with the process.
"""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self, cast


class Call[T]:
    """A call that is made ahead, or is still to be made."""

    __slots__ = ("begun", "done", "error", "make", "result")

    def __init__(self, make: Callable[[], T]) -> None:
        self.make = make
        self.begun = self.done = False
        self.result: T | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Make it, and keep what comes of it."""
        try:
            self.result = self.make()
        except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
            self.error = error


class Ahead:
    """Threads that make calls, as many as there are calls to make; a context manager that ends them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Call[Any]] = deque()
        self._idle = 0
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let the threads end; calls that have not begun are not made."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def start[T](self, make: Callable[[], T]) -> Call[T]:
        """Have a call made as soon as a thread is free, and have one thread more if none is."""
        call = Call(make)
        with self._changed:
            self._waiting.append(call)
            if len(self._waiting) <= self._idle:
                self._changed.notify_all()
                return call
        # Where the system gives no more threads, who asks makes the calls.
        with suppress(RuntimeError):
            threading.Thread(target=self._work, name="ftorch-ahead", daemon=True).start()
        return call

    def result[T](self, call: Call[T]) -> T:
        """What a call came to; waits for it, or makes it.

        Raises:
            BaseException: what the call raised.
        """
        with self._changed:
            mine = not call.begun
            if mine:
                call.begun = True
                self._waiting.remove(call)
            else:
                self._changed.wait_for(lambda: call.done)
        if mine:
            call.run()
            call.done = True
        if call.error is not None:
            raise call.error
        return cast("T", call.result)

    def _work(self) -> None:
        while (call := self._next()) is not None:
            call.run()
            with self._changed:
                call.done = True
                self._changed.notify_all()

    def _next(self) -> Call[Any] | None:
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._closed or bool(self._waiting))
            self._idle -= 1
            if self._closed:
                return None
            call = self._waiting.popleft()
            call.begun = True
            return call
