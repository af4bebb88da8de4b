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
    """Have Ctrl-C raise KeyboardInterrupt and SIGTERM raise `Stopped`, and SIGHUP do what SIGTERM does at that moment.

    What the caller has ignored, as a shell does for a background job and `nohup` does, stays ignored.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _hang_up)


def ignore_signals() -> None:
    """Have none of them disturb a command that has ended, and has only its exit code to give."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _stop(number: int, _frame: FrameType | None) -> None:
    raise Stopped(signal.Signals(number).name)


def _hang_up(_number: int, _frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
