"""A job on this Python's own multiprocessing pool: a stage (see `orchestrator.compare.stage`) without ftorch.

Called as `main(FD)`: commands come on standard input, answers go to FD, each a line of JSON. Keeps to Python 3.9.
"""

import ctypes
import json
import multiprocessing
import os
import pickle
import signal
import sys
import time
from typing import Any

from .binding import PROTOCOL, Doer, stand_in

SHARES = (4, 16, 64)
STATE: dict[str, Any] = {}


def die_with_parent() -> None:
    """Have the kernel end this process when its parent ends (Linux, prctl(2))."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
    except Exception:  # noqa: BLE001 - no such call here; the pipe's end tells it, too
        return


def begin(binding: Any, errors: Any, up: Any) -> None:
    """Bind the task in a worker; a pool would start one that raises here again and again, so that is kept."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stand_in(errors)
    try:
        STATE["doer"] = Doer(binding)
    except BaseException as error:  # noqa: BLE001 - told by every message
        STATE["problem"] = f"{type(error).__name__}: {error}"
    up.release()


def do(message: bytes) -> bytes:
    """Do a message in a worker."""
    if "problem" in STATE:
        raise RuntimeError(STATE["problem"])
    done: bytes = STATE["doer"].do(message)
    return done


class Stage:
    """What the commands do."""

    def __init__(self, assignment: Any) -> None:
        self.assignment = assignment
        self.workers = assignment["workers"]
        with open(assignment["items"], "rb") as file:
            self.items = pickle.load(file)["items"]
        self.replies: list[bytes] = []

    def sizes(self, _command: Any) -> Any:
        """Chunk sizes worth trying."""
        batch = self.assignment["batch"]
        if batch:
            return {"sizes": [batch]}
        return {"sizes": sorted({max(1, len(self.items) // (self.workers * share)) for share in SHARES})}

    def start(self, _command: Any) -> Any:
        """Start the pool."""
        methods = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
        self.up = context.Semaphore(0)
        arguments = (self.assignment["binding"], self.assignment["errors"], self.up)
        self.pool = context.Pool(self.workers, begin, arguments)
        self.alive = {child.pid for child in multiprocessing.active_children()}

    def first(self, _command: Any) -> Any:
        """Do the first item."""
        self.one(0)

    def settle(self, _command: Any) -> Any:
        """Wait for every worker."""
        for _ in range(self.workers):
            while not self.up.acquire(timeout=1.0):
                self.look()

    def run(self, command: Any) -> Any:
        """Do all items in chunks."""
        size, items = command.get("size", 1), self.items
        self.replies, nbytes = [], 0
        began = time.perf_counter()
        messages = [
            pickle.dumps((start, items[start : start + size]), PROTOCOL) for start in range(0, len(items), size)
        ]
        replies = self.pool.imap_unordered(do, messages)
        for _ in messages:
            reply = self.next(replies)
            pickle.loads(reply)
            self.replies.append(reply)
        seconds = time.perf_counter() - began
        nbytes = sum(map(len, messages)) + sum(map(len, self.replies))
        return {"run": {"seconds": seconds, "nbytes": nbytes}}

    def next(self, replies: Any) -> bytes:
        """The next reply, unless a worker died: then there may be none ever."""
        while True:
            try:
                reply: bytes = replies.next(1.0)
                return reply
            except multiprocessing.TimeoutError:
                self.look()

    def look(self) -> None:
        """Make sure that the workers are those that were started."""
        if {child.pid for child in multiprocessing.active_children()} != self.alive:
            raise RuntimeError("a worker process of the pool died")

    def save(self, command: Any) -> Any:
        """Keep the replies as they are: ftorch reads them, with the task's classes at hand."""
        with open(command["path"], "wb") as file:
            pickle.dump(self.replies, file, PROTOCOL)

    def ones(self, command: Any) -> Any:
        """Some items, one after the other; the seconds each took."""
        count, until = command["count"], time.perf_counter() + command["seconds"]
        latencies: list[float] = []
        for turn in range(count):
            if latencies and time.perf_counter() >= until:
                break
            latencies.append(self.one(turn * len(self.items) // count))
        return {"latencies": latencies}

    def one(self, number: int) -> float:
        """One item, while nothing else is done."""
        began = time.perf_counter()
        pickle.loads(self.pool.apply(do, (pickle.dumps((number, [self.items[number]]), PROTOCOL),)))
        return time.perf_counter() - began

    def stop(self, _command: Any) -> Any:
        """End the pool."""
        self.pool.terminate()
        self.pool.join()


def main(answers: int) -> None:
    """Do what is asked until the pipe ends."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What the task prints is no answer.
    os.dup2(2, 1)
    stage: Any = None
    told: Any
    with os.fdopen(answers, "w", encoding="utf-8") as out:
        for line in sys.stdin:
            command = json.loads(line)
            try:
                if stage is None:
                    stage, told = Stage(command), {}
                else:
                    told = getattr(stage, command["do"])(command) or {}
            except Exception as error:  # noqa: BLE001 - told, not raised
                text = str(error) if type(error) is RuntimeError else f"{type(error).__name__}: {error}"
                told = {"error": text}
            out.write(json.dumps(told) + "\n")
            out.flush()
            if command.get("do") == "stop":
                return
