"""Ends an item that takes too long: an exception raised in its thread, and in no other place.

Guarantees: the exception arrives while the thread runs items (where the item loop catches it) or in `leave` (which
swallows it), never in code of ours that holds a lock. The thread writes its board line and then looks at `_sent`; the
controlling thread counts `_sent` up and then looks at the board line; so at least one of them sees the other. That an
exception arrived is noted where it is made, in the thread it is raised in, so one that a task swallows is not waited
for. Assumes: one controlling thread; an item that runs C code gets the exception only when it comes back to Python.
"""

import sys
import threading
import time

from orchestrator.engine.line import ITEM, LO, NO_ITEM

_POLL_SECONDS = 0.0005


class ItemTimeout(BaseException):
    """The item took longer than `timeout.item`. A BaseException, so that a task's `except Exception` lets it pass.

    Attributes:
        target: where the item's chunk starts, and its number; None for no item in particular.
        stack: where its thread was.
    """

    target: tuple[int, int] | None = None
    stack: str = ""


class Expiry:
    """One lane's way of being interrupted; made in the lane's own thread."""

    def __init__(self, line: memoryview[int]) -> None:
        self.stack = ""
        self._line = line
        self._thread = threading.get_ident()
        self._sent = 0
        self._arrived = 0

    def expire(self, lo: int, item: int) -> bool:
        """Raise ItemTimeout in the lane's thread if it still runs that item; says whether. For the controlling thread.

        Nothing is done while an earlier one is still on its way.
        """
        import ctypes
        import traceback

        if self._sent != self._arrived:
            return False
        frame = sys._current_frames().get(self._thread)  # noqa: SLF001 - the documented name
        self.stack = "" if frame is None else "".join(traceback.format_stack(frame, limit=20))
        kind = self._exception((lo, item), self.stack)
        self._sent += 1
        running = self._line[LO] == lo and self._line[ITEM] == item
        if running and ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), ctypes.py_object(kind)):
            return True
        self._sent -= 1
        return False

    def _exception(self, where: tuple[int, int], text: str) -> type[ItemTimeout]:
        expiry = self

        class Expired(ItemTimeout):
            target = where
            stack = text

            def __init__(self) -> None:
                super().__init__()
                expiry._arrived += 1

        return Expired

    def leave(self) -> None:
        """Say that the lane runs no item now; an exception that is on its way is waited for. For the lane's thread."""
        try:
            self._line[ITEM] = NO_ITEM
            while self._sent != self._arrived:
                time.sleep(_POLL_SECONDS)
        except ItemTimeout:
            self._line[ITEM] = NO_ITEM
