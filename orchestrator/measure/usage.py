"""Samples of what the process used, and the pauses of its garbage collector."""

import gc
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any, Self

from msgspec import Struct

from orchestrator.host.cgroups import whole_number
from orchestrator.host.mounts import read_text
from orchestrator.measure.node import Pauses

_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Usage(Struct, frozen=True):
    """What the process and its ended children have used so far: CPU seconds and peak resident bytes."""

    user_seconds: float
    system_seconds: float
    peak_rss: int

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds in user and kernel mode."""
        return self.user_seconds + self.system_seconds

    @classmethod
    def now(cls) -> Self:
        """A sample (getrusage(2))."""
        own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        return cls(
            user_seconds=own.ru_utime + children.ru_utime,
            system_seconds=own.ru_stime + children.ru_stime,
            peak_rss=_peak(own.ru_maxrss * _MAXRSS_UNIT),
        )


def runnable_seconds(root: Path | str = "/") -> float | None:
    """Seconds that the threads of this process have run or were ready to, those that ended left out.

    None where the kernel keeps no account of it. (/proc/PID/task/TID/schedstat: ns on a CPU, ns in the run queue;
    Documentation/scheduler/sched-stats.rst.)
    """
    total = 0
    try:
        for task in os.scandir(Path(root, "proc/self/task")):
            # A thread may end between the two.
            fields = (read_text(Path(task.path, "schedstat")) or "0 0").split()
            total += sum(whole_number(field) or 0 for field in fields[:2])
    except OSError:
        return None
    return total / 1e9 if total else None


def _peak(maxrss: int) -> int:
    """The peak of this program; Linux's ru_maxrss may be the parent's, from before the exec, VmHWM is not."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            line = next(line for line in status if line.startswith("VmHWM:"))
    except OSError, StopIteration:
        return maxrss
    return int(line.split()[1]) * 1024


class PauseWatch:
    """Adds up garbage collections from `start` to `stop`.

    Assumes: the interpreter runs one collection at a time, so start and stop calls come in pairs.

    Attributes:
        heard: so far; another thread may read it at any time.
    """

    def __init__(self) -> None:
        self.heard = Pauses()
        self._began = 0.0

    def start(self) -> None:
        """Begin to listen."""
        gc.callbacks.append(self._on_event)

    def stop(self) -> Pauses:
        """End listening, and give what was heard."""
        gc.callbacks.remove(self._on_event)
        return self.heard

    def _on_event(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        elif self._began:
            pause = time.perf_counter() - self._began
            heard, freed = self.heard, info.get("collected", 0)
            self.heard = Pauses(
                heard.count + 1, heard.seconds + pause, max(heard.longest, pause), freed=heard.freed + freed
            )
