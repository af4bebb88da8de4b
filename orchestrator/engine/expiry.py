"""Ends an item that takes too long: an exception raised in its thread, and in no other place.

Guarantees: the exception arrives while the thread runs items (where the item loop catches it) or in `leave` (which
swallows it), never in code of ours that holds a lock. The thread writes its board line and then looks at `_pending`;
the controlling thread sets `_pending` and then looks at the board line; so at least one of them sees the other.
Assumes: one controlling thread; an item that runs C code gets the exception only when it comes back to Python.
"""

import ctypes
import sys
import threading
import time
import traceback

from orchestrator.engine import board

_POLL_SECONDS = 0.0005


class ItemTimeout(BaseException):
    """The item took longer than `timeout.item`. A BaseException, so that a task's `except Exception` lets it pass."""


class Expiry:
    """One lane's way of being interrupted; made in the lane's own thread."""

    def __init__(self, line: memoryview[int]) -> None:
        self.stack = ""
        self._line = line
        self._thread = threading.get_ident()
        self._pending = False
        self._target: tuple[int, int] | None = None

    def expire(self, lo: int, item: int) -> bool:
        """Raise ItemTimeout in the lane's thread if it still runs that item; says whether. The controller calls it."""
        frame = sys._current_frames().get(self._thread)  # noqa: SLF001 - the documented name
        self.stack = "" if frame is None else "".join(traceback.format_stack(frame, limit=20))
        self._target = (lo, item)
        self._pending = True
        if self._line[board.LO] != lo or self._line[board.ITEM] != item:
            self._pending = False
            return False
        raised = ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), ctypes.py_object(ItemTimeout))
        return bool(raised)

    def is_target(self, lo: int, item: int) -> bool:
        """Whether it is that item whose time was over; an exception that came an item late has hit an innocent one."""
        self._pending = False
        return self._target == (lo, item)

    def leave(self) -> None:
        """Say that the lane runs no item now; an exception that is on its way is waited for. For the lane's thread."""
        try:
            self._line[board.ITEM] = board.NO_ITEM
            while self._pending:
                time.sleep(_POLL_SECONDS)
        except ItemTimeout:
            self._pending = False
