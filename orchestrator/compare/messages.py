"""Items as messages, and replies as results in input order: what every contestant that pickles has in common."""

import pickle
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import batched
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.compare.base import Assignment, Pass
from orchestrator.compare.outcome import write_fold, write_results
from orchestrator.compare.work import PROTOCOL, Reply, reply_of
from orchestrator.tasks.load import load_task

SHARES = (4, 16, 64)
"""Chunks a worker tried when a chunk size is tuned: few and large to many and small."""


class Load:
    """The items of a comparison, as the parent wrote them: plain data and keys."""

    def __init__(self, path: str) -> None:
        kept = pickle.loads(Path(path).read_bytes())
        self.items: list[Any] = kept["items"]
        self.keys: list[Any] = kept["keys"]

    def messages(self, size: int) -> Iterator[bytes]:
        """The items in messages of so many, each pickled with the number of its first item."""
        start = 0
        for chunk in batched(self.items, size):
            yield pickle.dumps((start, chunk), PROTOCOL)
            start += len(chunk)

    def message(self, number: int) -> bytes:
        """One item as a message."""
        return pickle.dumps((number, (self.items[number],)), PROTOCOL)


def tuned_sizes(items: int, workers: int, batch: int | None) -> list[int]:
    """The chunk sizes that are tried; a batch task's own size is taken as it is."""
    return [batch] if batch else sorted({max(1, items // (workers * share)) for share in SHARES})


class Kept:
    """Counts the bytes of a run's messages and replies, and keeps the replies, unpickled."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.nbytes = 0
        self._began = time.perf_counter()

    def sent(self, messages: Iterable[bytes]) -> Iterator[bytes]:
        """The messages, counted as they are taken."""
        for message in messages:
            self.nbytes += len(message)
            yield message

    def take(self, reply: bytes) -> None:
        """Take in a reply."""
        self.nbytes += len(reply)
        self.replies.append(reply_of(reply))

    def over(self) -> Pass:
        """All replies are in hand."""
        return Pass(time.perf_counter() - self._began, self.nbytes)


def save_replies(assignment: Assignment, keys: Sequence[Any], replies: Iterable[Reply], path: str) -> None:
    """Write the results of a run's replies, in input order; the task is imported before the first reply is taken."""
    binding = assignment.binding
    fold = load_task(binding.task, Path(binding.base), msgspec.json.decode(binding.arguments)).options.fold
    ordered = sorted(replies, key=lambda reply: reply.number)
    errors = {reply.number + at: error for reply in ordered for at, error in reply.errors.items()}
    if fold is None:
        values = [value for reply in ordered for value in reply.values]
        write_results(Path(path), keys, values, errors)
    else:
        write_fold(Path(path), fold, [reply.values for reply in ordered], errors)
