"""A pool of interpreters in one process: `concurrent.futures.InterpreterPoolExecutor`, with a tuned chunk size.

Each interpreter imports the task anew; an extension module that cannot be loaded more than once refuses, and this
contestant says so.
"""

import logging
import time
from concurrent import interpreters
from concurrent.futures import BrokenExecutor, InterpreterPoolExecutor

from orchestrator.compare import work
from orchestrator.compare.base import Assignment, Pass
from orchestrator.compare.messages import Kept, Load, save_replies, tuned_sizes
from orchestrator.compare.work import Reply
from orchestrator.errors import FtorchError

_PATIENCE = 60.0


class Interpreters:
    """The pool."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._load = Load(assignment.items)
        self._pool: InterpreterPoolExecutor | None = None
        self._replies: list[Reply] = []

    def sizes(self) -> list[int]:
        """As for processes."""
        return tuned_sizes(len(self._load.items), self._assignment.workers, self._assignment.batch)

    def start(self) -> None:
        """Make the pool; it starts an interpreter whenever an item finds none idle."""
        # It logs a traceback where an interpreter cannot start; here that is an answer.
        logging.getLogger("concurrent.futures").setLevel(logging.CRITICAL + 1)
        self._up = interpreters.create_queue()
        self._pool = InterpreterPoolExecutor(
            self._assignment.workers, initializer=work.begin_and_tell, initargs=(self._assignment.binding, self._up)
        )

    def first(self) -> None:
        """The first item's result."""
        self.one(0)

    def settle(self) -> None:
        """Have every interpreter started, and wait until it has bound the task."""
        assert self._pool is not None
        message = self._load.message(0)
        started, until = 0, time.monotonic() + _PATIENCE
        while started < self._assignment.workers:
            if time.monotonic() > until:
                raise FtorchError(f"only {started} of {self._assignment.workers} interpreters started")
            # More at once than are idle: the pool starts another one.
            for asked in [self._pool.submit(work.do, message) for _ in range(2 * self._assignment.workers)]:
                asked.result()
            while not self._up.empty():
                self._up.get()
                started += 1

    def run(self, size: int) -> Pass:
        """All items."""
        assert self._pool is not None
        kept = Kept()
        for reply in self._pool.map(work.do, kept.sent(self._load.messages(size))):
            kept.take(reply)
        self._replies = kept.replies
        return kept.over()

    def save(self, path: str) -> None:
        """Write the results."""
        save_replies(self._assignment, self._load.keys, self._replies, path)

    def one(self, number: int) -> float:
        """`submit` and `result`."""
        assert self._pool is not None
        began = time.perf_counter()
        try:
            work.reply_of(self._pool.submit(work.do, self._load.message(number)).result())
        except BrokenExecutor as error:
            raise FtorchError(f"an interpreter could not be started: {error}") from error
        return time.perf_counter() - began

    def stop(self) -> None:
        """End the interpreters."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)
