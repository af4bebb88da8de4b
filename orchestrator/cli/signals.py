"""SIGTERM and a closed terminal, outside the part of a run in which the engine listens to them itself."""

import os
import signal
from types import FrameType


class Stopped(KeyboardInterrupt):
    """A signal ended the command; Ctrl-C is its plain base class."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def name_of(stop: BaseException) -> str:
    """What stopped the command, in words; click wraps it."""
    cause = stop.__cause__ or stop
    return cause.name if isinstance(cause, Stopped) else "Ctrl-C"


def handle_signals() -> None:
    """Have SIGTERM raise `Stopped`, and SIGHUP do what SIGTERM does at that moment, unless `nohup` had it ignored."""
    signal.signal(signal.SIGTERM, _stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _hang_up)


def _stop(number: int, _frame: FrameType | None) -> None:
    raise Stopped(signal.Signals(number).name)


def _hang_up(_number: int, _frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
