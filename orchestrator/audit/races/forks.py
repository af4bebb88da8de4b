"""Copies of this process, each of which does one thing and tells what came of it.

Guarantees: a copy that crashes, ends the process or does not end is told as such. Assumes: this process has one thread.
"""

import mmap
import os
import select
import signal
import struct
import time
from collections.abc import Callable
from typing import Any

import msgspec

from orchestrator.audit.races.played import Ended, Met
from orchestrator.errors import FtorchError

_MET = struct.Struct("=7i")
_SIZE = 1 << 16


class Last:
    """Where two threads met last, in memory that outlives the copy.

    Attributes:
        files: the files by number; more may be added at the end while the copy runs.
    """

    def __init__(self) -> None:
        self.files: list[str] = []
        self._memory = mmap.mmap(-1, _SIZE)
        self._written = 0

    def tell(self, met: Met) -> None:
        """Keep a meeting; one caller at a time."""
        if self._written != len(self.files):
            self._written = len(self.files)
            data = "\0".join(self.files).encode(errors="surrogateescape")[: _SIZE - _MET.size]
            self._memory[_MET.size : _MET.size + len(data)] = data
        _MET.pack_into(self._memory, 0, 1, *met.items, *met.lines, *met.files)

    def ended(self, how: str) -> Ended:
        """What the copy's end means."""
        there, one, two, line, other, file, last = _MET.unpack_from(self._memory)
        met = Met((one, two), (line, other), True, (file, last)) if there else None
        names = self._memory[_MET.size :].rstrip(b"\0").decode(errors="surrogateescape").split("\0")
        return Ended(how, met, names if there else [])


class Fork:
    """A copy of this process.

    Args:
        work: what it does; its result is told, or that it raised.
        limit: seconds that it may take.

    Attributes:
        cpu: seconds of CPU time that it took, once its result is there.
        memory: the most memory that it had, in bytes, what it shares with this process included.
    """

    def __init__(self, work: Callable[[Last], Any], limit: float) -> None:
        self.cpu, self.memory = 0.0, 0
        self._limit, self._began = limit, time.monotonic()
        self._last = Last()
        self._told = os.memfd_create("told")
        self._pid = os.fork()
        if not self._pid:
            self._work(work)

    def result[T](self, kind: type[T]) -> T | Ended:
        """Wait for its end: what it told, or how it ended."""
        status = self._wait()
        data = os.pread(self._told, os.fstat(self._told).st_size, 0)
        os.close(self._told)
        if status is None:
            return self._last.ended(f"it did not end within {self._limit:.0f} s")
        if os.WIFSIGNALED(status):
            return self._last.ended(f"it died of {signal.Signals(os.WTERMSIG(status)).name}")
        try:
            return msgspec.json.decode(data, type=kind)
        except msgspec.DecodeError:
            pass
        try:
            return msgspec.json.decode(data, type=Ended)
        except msgspec.DecodeError:
            return self._last.ended(f"it ended the process with exit code {os.waitstatus_to_exitcode(status)}")

    def _work(self, work: Callable[[Last], Any]) -> None:
        """Do it and end the process, whatever happens."""
        me = os.getpid()
        try:
            result = work(self._last)
        except FtorchError as error:
            result = Ended(f"it cannot be started: {' '.join(str(error).split())}")
        except BaseException as error:
            result = Ended(f"it raised {type(error).__name__}: {error}")
        if os.getpid() == me:
            os.pwrite(self._told, msgspec.json.encode(result), 0)
        os._exit(0)

    def _wait(self) -> int | None:
        """The status with which it ended; None if it had to be ended."""
        with open(os.pidfd_open(self._pid), "rb", buffering=0) as end:
            ready, _, _ = select.select([end], [], [], max(0.0, self._began + self._limit - time.monotonic()))
        if not ready:
            os.kill(self._pid, signal.SIGKILL)
        _, status, usage = os.wait4(self._pid, 0)
        self.cpu, self.memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
        return status if ready else None
