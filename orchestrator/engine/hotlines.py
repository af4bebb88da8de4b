"""Where in the Python code threads are: their stacks, read now and then while they run on.

The interpreter's own unwinder reads them from memory (process_vm_readv(2)) as a profiler outside would: no thread is
stopped for it. `sys._current_frames` would stop them all, for as long as one of them stays in C code without letting go
of the interpreter. A stack that changes while it is read gives an error or a wrong line, seldom; many looks make up
for that. Where there is no unwinder, or it may not read, no line is known. 3.15's
`profiling.sampling` reads stacks with it, too; that module's own `SampleProfiler` always keeps frames between two
looks, and for that writes into the state of each thread it saw, which in one's own process may be memory that is used
for something else by then.

Guarantees: whatever the unwinder raises stays here. Assumes: one thread calls it.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from orchestrator.measure.account import HotLine

_SHOWN = 5
_MOST_FAILURES = 20
_OURS = os.path.dirname(os.path.dirname(__file__))

type Place = tuple[str, int, str]
"""File, line, function."""

type Stack = tuple[int, list[Place]]
"""A thread's native id, and where it is, innermost frame first."""


class HotLines:
    """Counts the lines that threads are seen in."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[Place]] = {"lock": Counter(), "running": Counter()}
        self._failures = 0

    @property
    def available(self) -> bool:
        """Whether it is worth to look again."""
        return self._failures < _MOST_FAILURES

    def read(self) -> list[Stack]:
        """The stacks of all threads; none where they cannot be read now."""
        try:
            return _stacks()
        except Exception:
            self._failures += 1
            return []

    def note(self, stacks: Iterable[Stack], kinds: Mapping[int, str]) -> None:
        """Count the lines of some threads, which are given by their native ids, as "lock" or "running"."""
        for tid, frames in stacks:
            place = place_of(frames) if tid in kinds else None
            if place is not None:
                self._counts[kinds[tid]][place] += 1

    def seen(self, kind: str) -> list[HotLine]:
        """The lines seen most: kind "lock" or "running"."""
        return [_described(place, count) for place, count in self._counts[kind].most_common(_SHOWN)]


def _stacks() -> list[Stack]:
    """The stack of each thread, innermost frame first."""
    from _remote_debugging import RemoteUnwinder  # type: ignore[import-not-found]

    # A new one each time: one that is kept goes on with what it read of functions that have changed since.
    found = RemoteUnwinder(os.getpid(), all_threads=True).get_stack_trace()
    # 3.15 groups the threads by interpreter.
    threads = [thread for entry in found for thread in getattr(entry, "threads", (entry,))]
    return [(thread.thread_id, [_place(frame) for frame in thread.frame_info]) for thread in threads]


def _place(frame: Any) -> Place:
    location = getattr(frame, "location", None)
    return frame.filename, location.lineno if location is not None else getattr(frame, "lineno", 0), frame.funcname


@cache
def _libraries() -> tuple[str, ...]:
    """Where the standard library and installed packages lie."""
    # Needed once threads have been looked at, and so not when a worker starts.
    import sysconfig

    return tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def place_of(frames: Iterable[Place]) -> Place | None:
    """The innermost line of the job's own code; without one, of a library's; None where all is ours."""
    others = [frame for frame in frames if not frame[0].startswith((_OURS, "<frozen", "<string", "~")) and frame[1]]
    job = (frame for frame in others if not frame[0].startswith(_libraries()))
    library = (frame for frame in others if not frame[0].endswith("threading.py"))
    return next(job, None) or next(library, None)


def _described(place: Place, count: int) -> HotLine:
    import linecache

    from orchestrator.measure.shared import shared_names

    file, line, function = place
    source = linecache.getline(file, line).strip()
    modules = list(sys.modules.values())
    module = next((module for module in modules if getattr(module, "__file__", None) == file), None)
    shared = [] if module is None else shared_names("".join(linecache.getlines(file)), line, vars(module))
    shown = os.path.relpath(file) if Path(file).is_relative_to(Path.cwd()) else file
    return HotLine(shown, line, function, count, source, shared)
