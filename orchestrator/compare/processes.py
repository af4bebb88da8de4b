"""A pool of processes as people use it: `multiprocessing.Pool`, forked where that is possible, with a tuned chunk size.

Items go to a worker in chunks and results come back as they are done, both pickled once. Each process makes its own
states. Assumes: the stage has no other threads when it forks.
"""

import multiprocessing
import time
from multiprocessing.pool import IMapIterator, Pool
from typing import Any

from orchestrator.compare import work
from orchestrator.compare.base import Assignment, Pass
from orchestrator.compare.messages import Kept, Load, save_replies, tuned_sizes
from orchestrator.compare.work import Binding, Reply
from orchestrator.engine.lifeline import die_with_parent
from orchestrator.errors import FtorchError

_PATIENCE = 0.5


class Processes:
    """The pool."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._load = Load(assignment.items)
        self._pool: Pool | None = None
        self._replies: list[Reply] = []

    def sizes(self) -> list[int]:
        """Quarters, sixteenths and sixty-fourths of a worker's share."""
        return tuned_sizes(len(self._load.items), self._assignment.workers, self._assignment.batch)

    def start(self) -> None:
        """Fork the workers; the task is imported here first, as a program that uses a pool has imported it."""
        methods = multiprocessing.get_all_start_methods()
        context: Any = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
        self._up = context.Semaphore(0)
        self._pool = context.Pool(self._assignment.workers, _begin, (self._assignment.binding, self._up))
        self._alive = {child.pid for child in multiprocessing.active_children()}

    def first(self) -> None:
        """The first item's result."""
        self.one(0)

    def settle(self) -> None:
        """Wait for every worker's binding."""
        for _ in range(self._assignment.workers):
            while not self._up.acquire(timeout=_PATIENCE):
                self._look()

    def run(self, size: int) -> Pass:
        """All items, unordered, as `imap_unordered` with a chunk size does it."""
        assert self._pool is not None
        kept = Kept()
        replies = self._pool.imap_unordered(work.do, kept.sent(self._load.messages(size)))
        while (reply := self._next(replies)) is not None:
            kept.take(reply)
        self._replies = kept.replies
        return kept.over()

    def save(self, path: str) -> None:
        """Write the results."""
        save_replies(self._assignment, self._load.keys, self._replies, path)

    def one(self, number: int) -> float:
        """`apply`: the quickest way through a pool for one item."""
        assert self._pool is not None
        began = time.perf_counter()
        asked = self._pool.apply_async(work.do, (self._load.message(number),))
        while True:
            try:
                work.reply_of(asked.get(_PATIENCE))
                return time.perf_counter() - began
            except multiprocessing.TimeoutError:
                self._look()

    def stop(self) -> None:
        """End the workers."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()
            pool.join()

    def _next(self, replies: IMapIterator[bytes]) -> bytes | None:
        while True:
            try:
                return replies.next(_PATIENCE)
            except multiprocessing.TimeoutError:
                self._look()
            except StopIteration:
                return None

    def _look(self) -> None:
        """A pool waits for ever for what a dead worker had; so make sure that none died."""
        if {child.pid for child in multiprocessing.active_children()} != self._alive:
            raise FtorchError("a worker process of the pool died, and the pool would wait for ever for its items")


def _begin(binding: Binding, up: Any) -> None:
    die_with_parent()
    work.begin(binding)
    up.release()
