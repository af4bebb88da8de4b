"""How a running worker is asked to stop: by the supervisor's message, by a signal, or by the supervisor's end.

Guarantees: a signal handler does nothing but wake the listening thread (through `signal.set_wakeup_fd`), so no lock is
ever taken in one; the first request sets the deadline, a second one ends the process at once. Assumes: `listen` is
called in the main thread.
"""

import os
import selectors
import signal
import threading
import time
from collections.abc import Callable

from orchestrator.engine.pool import Pool
from orchestrator.engine.protocol import Channel, Expire, Message, Replace, Stop
from orchestrator.errors import RESUMABLE

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSwitch:
    """Whether, why and until when to stop; and which lane not to wait for."""

    def __init__(self, grace: float) -> None:
        self.reason: str | None = None
        self.replacing = False
        self.left_behind = -1
        self._grace = grace
        self._deadline: float | None = None
        self._lock = threading.Lock()
        self._pool: Pool | None = None
        self._poke: Callable[[], None] | None = None

    @property
    def stopped(self) -> bool:
        """Whether a stop was asked for."""
        return self._deadline is not None

    def attach(self, pool: Pool, poke: Callable[[], None]) -> None:
        """Say which pool a stop halts, and what wakes the main thread; done at once if a stop was asked for."""
        with self._lock:
            self._pool, self._poke = pool, poke
        if self.stopped:
            self._act()

    def request(self, reason: str) -> None:
        """Ask for a stop within the grace period; asked twice, the process ends now."""
        with self._lock:
            if self._deadline is not None and not self.replacing:
                os._exit(RESUMABLE)
            self.reason, self.replacing = reason, False
            self._deadline = time.monotonic() + self._grace
        self._act()

    def replace(self, lane: int, reason: str) -> None:
        """Ask for an end after which a new worker goes on; `lane` is not waited for (-1: all are)."""
        with self._lock:
            if self._deadline is not None:
                return
            self.reason, self.replacing, self.left_behind = reason, True, lane
            self._deadline = time.monotonic() + self._grace
        self._act()

    def expire(self, lane: int, lo: int, item: int) -> None:
        """End an item in its thread."""
        with self._lock:
            pool = self._pool
        if pool is not None:
            pool.expire(lane, lo, item)

    def overdue(self) -> bool:
        """Whether the time to finish what runs is over."""
        return self._deadline is not None and time.monotonic() >= self._deadline

    def until(self, seconds: float) -> float:
        """So many seconds, or those to the deadline if they are fewer."""
        if self._deadline is None:
            return seconds
        return max(0.0, min(seconds, self._deadline - time.monotonic()))

    def _act(self) -> None:
        with self._lock:
            pool, poke = self._pool, self._poke
        if pool is not None and poke is not None:
            pool.halt()
            poke()


def listen(switch: StopSwitch, channel: Channel) -> None:
    """Begin to listen to signals and to the supervisor, in a thread of its own."""
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    threading.Thread(target=_listen, args=(switch, channel, reading), name="ftorch-control", daemon=True).start()


def _listen(switch: StopSwitch, channel: Channel, signals: int) -> None:
    selector = selectors.DefaultSelector()
    selector.register(signals, selectors.EVENT_READ)
    selector.register(channel, selectors.EVENT_READ)
    while True:
        while channel.pending:
            _obey(switch, channel.receive())
        for key, _ in selector.select():
            if key.fd == signals:
                for number in os.read(signals, 64):
                    switch.request(f"stopped by {signal.Signals(number).name}")
            else:
                _obey(switch, channel.receive())


def _obey(switch: StopSwitch, message: Message | None) -> None:
    if message is None:
        os._exit(RESUMABLE)
    if isinstance(message, Stop):
        switch.request(message.reason)
    elif isinstance(message, Expire):
        switch.expire(message.lane, message.lo, message.item)
    elif isinstance(message, Replace):
        switch.replace(message.lane, message.reason)
