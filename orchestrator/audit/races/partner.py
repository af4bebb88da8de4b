"""How long it is worth waiting for another thread, by what that thread is doing."""

import threading
import time
from collections.abc import Callable

from orchestrator.measure.looks import RUNNING, is_lock
from orchestrator.measure.threaduse import read_call

_GLANCE = 0.001
_PATIENCE = 0.005
_ON_A_LOCK = 3
_AT_MOST = 0.05


class Partner:
    """The thread that is waited for; made by that thread itself."""

    def __init__(self) -> None:
        self._place = f"/proc/self/task/{threading.get_native_id()}"
        self._clock = time.pthread_getcpuclockid(threading.get_ident())

    def comes(self, came: Callable[[float], bool]) -> bool:
        """Wait until it comes, or cannot be expected to: whether it came.

        It gets 5 ms of CPU time, however long it has to wait for a CPU on a busy machine (50 ms at most), or 5 ms in a
        system call; but only 3 ms on a lock, since that is most likely held by who waits here.

        Args:
            came: waits for it for so many seconds, and says whether it came.
        """
        used, asleep, locked = self._used(), 0, 0
        until = time.monotonic() + _AT_MOST
        while not came(_GLANCE):
            call = read_call(self._place)
            asleep += call != RUNNING
            locked = locked + 1 if call is not None and is_lock(call) else 0
            over = locked >= _ON_A_LOCK or asleep * _GLANCE >= _PATIENCE or self._used() - used >= _PATIENCE
            if over or time.monotonic() >= until:
                return False
        return True

    def _used(self) -> float:
        return time.clock_gettime(self._clock)
