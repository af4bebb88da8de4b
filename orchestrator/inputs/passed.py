"""What a walk passes over, counted by reason, and how the user is told."""

from collections import Counter
from enum import Enum


class Reason(Enum):
    """Why something in the tree is no item: the words for one and for many."""

    LINK = ("symbolic link skipped (input.files.symlinks)", "symbolic links skipped (input.files.symlinks)")
    OUTSIDE = ("symbolic link out of the root skipped", "symbolic links out of the root skipped")
    DANGLING = ("symbolic link that leads nowhere skipped", "symbolic links that lead nowhere skipped")
    LOOP = ("loop of symbolic links not followed", "loops of symbolic links not followed")
    SPECIAL = ("FIFO, socket or device skipped", "FIFOs, sockets or devices skipped")
    VANISHED = ("file or folder vanished during the walk", "files or folders vanished during the walk")
    EMPTY = ("empty file skipped", "empty files skipped")
    REPEATED = ("file named more than once is read once", "files named more than once are read once")


class Passed:
    """Counts of what was passed over; filled by one thread while it walks, read afterwards."""

    def __init__(self) -> None:
        self._counts: Counter[Reason] = Counter()

    def add(self, reason: Reason) -> None:
        """Count one more."""
        self._counts[reason] += 1

    def notes(self) -> list[str]:
        """One sentence a reason, in a fixed order."""
        counted = ((reason, self._counts[reason]) for reason in Reason)
        return [f"{count:,} {reason.value[count > 1]}" for reason, count in counted if count]
