"""Single calls as an executor's chunks: what a call is, how threads get the next one, and their lane for it.

Guarantees: calls start in the order of their submission; whoever puts a call in and whoever finds none both hold `lock`
then, so that a thread is counted idle only while nothing waits. Assumes: nothing runs under `lock` that could submit.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from queue import Empty, SimpleQueue
from typing import Any

from orchestrator.engine.pace import Pace


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
        except BaseException as error:
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


class Calls:
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


class CallLane:
    """A thread's lane: it runs calls, and has nothing to hand over."""

    unsettled = 0
    stack = ""
    place = ""

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
