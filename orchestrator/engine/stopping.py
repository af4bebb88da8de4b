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

from orchestrator.engine.protocol import Channel, Stop
from orchestrator.errors import RESUMABLE

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSwitch:
    """Whether, why and until when to stop."""

    def __init__(self, grace: float) -> None:
        self.reason: str | None = None
        self._grace = grace
        self._deadline: float | None = None
        self._lock = threading.Lock()
        self._act: Callable[[], object] | None = None

    @property
    def stopped(self) -> bool:
        """Whether a stop was asked for."""
        return self._deadline is not None

    def attach(self, act: Callable[[], object]) -> None:
        """Say what a stop does; done at once where it was already asked for."""
        with self._lock:
            self._act = act
            asked = self._deadline is not None
        if asked:
            act()

    def request(self, reason: str) -> None:
        """Ask for a stop within the grace period; asked twice, the process ends now."""
        with self._lock:
            if self._deadline is not None:
                os._exit(RESUMABLE)
            self.reason = reason
            self._deadline = time.monotonic() + self._grace
            act = self._act
        if act is not None:
            act()

    def overdue(self) -> bool:
        """Whether the time to finish what runs is over."""
        return self._deadline is not None and time.monotonic() >= self._deadline


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
        for key, _ in selector.select():
            if key.fd == signals:
                for number in os.read(signals, 64):
                    switch.request(f"stopped by {signal.Signals(number).name}")
                continue
            message = channel.receive()
            if message is None:
                os._exit(RESUMABLE)
            if isinstance(message, Stop):
                switch.request(message.reason)
