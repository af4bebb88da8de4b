"""Signals as something to wait for, next to pipes.

Guarantees: the handler does nothing but note the number; what was set before is set again afterwards. Assumes: it is
used from the main thread.
"""

import os
import signal
from contextlib import suppress
from types import FrameType
from typing import Self

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals:
    """Collects SIGTERM, SIGINT and SIGHUP for the duration of a with block.

    One that the caller ignores stays ignored: SIGHUP under `nohup`, SIGINT in a script's background job. `wakeup` is
    readable when there is one to take.
    """

    def __init__(self) -> None:
        self.wakeup, self._writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._before: dict[int, object] = {}
        self._seen: list[int] = []

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            before = signal.getsignal(number)
            if number != signal.SIGTERM and before == signal.SIG_IGN:
                continue
            self._before[number] = signal.signal(number, self._note)
        self._wakeup_before = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        os.close(self.wakeup)
        os.close(self._writing)

    def take(self) -> list[int]:
        """The signals that came since the last time."""
        with suppress(BlockingIOError):
            os.read(self.wakeup, 4096)
        seen, self._seen = self._seen, []
        return seen

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._seen.append(number)
