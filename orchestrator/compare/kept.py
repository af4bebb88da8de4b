"""What another Python's pool replied, read by ftorch's own: the classes of the task's module are at hand here."""

import pickle
from pathlib import Path

from orchestrator.compare.base import Assignment, Pass
from orchestrator.compare.messages import Load, save_replies
from orchestrator.compare.work import reply_of
from orchestrator.errors import FtorchError


class KeptReplies:
    """Knows nothing but `save`, which finds the replies in a file."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment

    def sizes(self) -> list[int]:
        """None."""
        return []

    def start(self) -> None:
        """Nothing."""

    def first(self) -> None:
        """Nothing."""

    def settle(self) -> None:
        """Nothing."""

    def run(self, size: int) -> Pass:
        """Never."""
        raise FtorchError(f"nothing is run here, in chunks of {size} or otherwise")

    def save(self, path: str) -> None:
        """Read what the other Python left at that path, and write the results there."""
        replies = map(reply_of, pickle.loads(Path(path).read_bytes()))
        save_replies(self._assignment, Load(self._assignment.items).keys, replies, path)

    def one(self, number: int) -> float:
        """Never."""
        raise FtorchError(f"nothing is done here, item {number} or another")

    def stop(self) -> None:
        """Nothing."""
