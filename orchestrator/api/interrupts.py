"""Ctrl-C as something to look at, while threads work for a caller who must not lose what they did.

Guarantees: between enter and exit SIGINT raises nothing, it is counted; what was set before is set again afterwards.
Assumes: somebody looks often. Outside the main thread, or where SIGINT is ignored, nothing is changed.
"""

import signal
import threading
from types import FrameType
from typing import Self


class Interrupts:
    """Counts SIGINT for the duration of a with block."""

    def __init__(self) -> None:
        self.count = 0
        self._before: object = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread() and callable(signal.getsignal(signal.SIGINT)):
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)  # type: ignore[arg-type]

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
