"""The fleet that a broker feeds, as people build it: a Redis, a producer, worker processes that pop, compute and push.

A message is one item (a batch, for a batch task), pickled, as Celery and RQ have it. What good fleets do is done: the
producer pushes hundreds of messages a round trip, a worker pops several at once (how many is tuned) and pushes their
results together, and an idle worker waits in the server, not in a loop. Assumes: Redis 7 (BLMPOP).
"""

import multiprocessing
import time
from itertools import batched
from pathlib import Path
from typing import Any

from orchestrator.compare import work
from orchestrator.compare.base import Assignment, Pass
from orchestrator.compare.messages import Kept, Load, save_replies
from orchestrator.compare.redis_server import RedisServer, check_redis
from orchestrator.compare.work import Binding, Doer, Reply, told
from orchestrator.engine.lifeline import die_with_parent
from orchestrator.errors import FtorchError

JOBS, RESULTS, READY = "jobs", "results", "ready"
PREFETCHES = (1, 8, 64)
_PUSHED_AT_ONCE = 500
_PATIENCE = 1.0


class Fleet:
    """The producer, which holds the server and the workers."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._load = Load(assignment.items)
        self._server: RedisServer | None = None
        self._workers: list[Any] = []
        self._replies: list[Reply] = []
        self._prefetch = 1

    def sizes(self) -> list[int]:
        """How many messages a worker takes at once."""
        return list(PREFETCHES)

    def start(self) -> None:
        """Start the server and the workers.

        Raises:
            MachineError: there is no Redis here, or it does not start.
        """
        check_redis()
        self._server = server = RedisServer(Path(self._assignment.scratch))
        context: Any = multiprocessing.get_context("fork")
        for index in range(self._assignment.workers):
            worker = context.Process(target=_serve, args=(server, self._assignment.binding, index), daemon=True)
            worker.start()
            self._workers.append(worker)
        self._client = server.client()

    def first(self) -> None:
        """The first item's result."""
        self.one(0)

    def settle(self) -> None:
        """Wait until every worker has bound the task."""
        for _ in self._workers:
            for problem in self._pop(READY, 1):
                if problem != b"":
                    raise FtorchError(problem.decode())

    def run(self, size: int) -> Pass:
        """All items, a message each; workers take so many messages at once."""
        if size != self._prefetch:
            self._prefetch = size
            for index in range(len(self._workers)):
                self._client.rpush(_own(index), size)
        batch = self._assignment.batch or 1
        expected = -(-len(self._load.items) // batch)
        kept = Kept()
        for messages in batched(kept.sent(self._load.messages(batch)), _PUSHED_AT_ONCE):
            self._client.rpush(JOBS, *messages)
        while len(kept.replies) < expected:
            for reply in self._pop(RESULTS, 1000):
                kept.take(reply)
        self._replies = kept.replies
        return kept.over()

    def save(self, path: str) -> None:
        """Write the results."""
        save_replies(self._assignment, self._load.keys, self._replies, path)

    def one(self, number: int) -> float:
        """A message, and its result."""
        began = time.perf_counter()
        self._client.rpush(JOBS, self._load.message(number))
        for reply in self._pop(RESULTS, 1):
            work.reply_of(reply)
        return time.perf_counter() - began

    def stop(self) -> None:
        """End the workers and the server."""
        for worker in self._workers:
            worker.kill()
            worker.join()
        self._workers.clear()
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def _pop(self, name: str, count: int) -> list[bytes]:
        """What a list holds, at most so much and at least one; looks after the fleet while it waits."""
        while True:
            found = self._client.blmpop(_PATIENCE, 1, name, direction="LEFT", count=count)
            if found is not None:
                return list(found[1])
            if self._server is None or not self._server.alive:
                raise FtorchError("redis-server died")
            problems = self._client.lrange(READY, 0, -1)
            for problem in problems:
                if problem != b"":
                    raise FtorchError(problem.decode())
            if not all(worker.is_alive() for worker in self._workers):
                raise FtorchError("a worker of the fleet died, and the messages that it had taken died with it")


def _own(index: int) -> str:
    """The list on which a worker is told how many messages to take at once."""
    return f"worker-{index}"


def _serve(server: RedisServer, binding: Binding, index: int) -> None:
    """A worker's life."""
    die_with_parent()
    client, prefetch, own = server.client(), 1, _own(index)
    try:
        doer = Doer(binding, index)
    except Exception as error:  # noqa: BLE001 - importing a task may raise anything; the producer tells
        client.rpush(READY, told(error))
        return
    client.rpush(READY, b"")
    while True:
        name, messages = client.blmpop(0, 2, own, JOBS, direction="LEFT", count=prefetch)
        if name == own.encode():
            prefetch = int(messages[-1])
            continue
        client.rpush(RESULTS, *map(doer.do, messages))
