"""Threads of this process that no Python code started, and the libraries that may have: /proc/self/task, maps."""

import os
import threading
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from orchestrator.host.mounts import read_text
from orchestrator.measure.account import NativeThreads
from orchestrator.measure.threaduse import parse_schedstat

_TASKS = Path("/proc/self/task")
_LIBRARIES = {
    "libopenblas": "OpenBLAS",
    "libscipy_openblas": "OpenBLAS",
    "libmkl_": "MKL",
    "libblis": "BLIS",
    "libgomp": "OpenMP (libgomp)",
    "libiomp5": "OpenMP (libiomp5)",
    "libomp": "OpenMP (libomp)",
    "libtbb": "oneTBB",
    "libarrow": "Arrow",
    "libvips": "libvips",
    "libblosc": "Blosc",
    "libopencv_core": "OpenCV",
    "libtorch_cpu": "PyTorch",
    "_polars_runtime": "Polars (Rayon)",
    "polars.": "Polars (Rayon)",
    "omppool.": "Numba",
    "workqueue.": "Numba",
}


class NativeWatch:
    """Adds up what native threads use, from one look to the next; those that came and went between are not seen."""

    def __init__(self) -> None:
        self._first: dict[int, tuple[float, float]] = {}
        self._last: dict[int, tuple[str, float, float]] = {}
        self._began = False

    def look(self, ours: Collection[int]) -> None:
        """Look at all threads but ours (native ids)."""
        known = {*ours, os.getpid(), *(thread.native_id for thread in threading.enumerate())}
        with suppress(OSError):
            for name in os.listdir(_TASKS):
                if int(name) not in known:
                    self._note(int(name))
        self._began = True

    def threads(self) -> list[NativeThreads]:
        """What was seen, by the threads' names."""
        pools: dict[str, list[tuple[float, float]]] = {}
        for tid, (name, run, delay) in self._last.items():
            first = self._first[tid]
            pools.setdefault(name, []).append((run - first[0], delay - first[1]))
        return [
            NativeThreads(name, len(used), sum(run for run, _ in used), sum(delay for _, delay in used))
            for name, used in sorted(pools.items())
        ]

    def _note(self, tid: int) -> None:
        run, delay = parse_schedstat(read_text(_TASKS / str(tid) / "schedstat"))
        name = (read_text(_TASKS / str(tid) / "comm") or "").strip()
        if run is None or delay is None or not name:
            return
        self._first.setdefault(tid, (0.0, 0.0) if self._began else (run, delay))
        self._last[tid] = (name, run, delay)


def loaded_libraries() -> list[str]:
    """Name the libraries in this process that are known to start threads."""
    text = read_text(Path("/proc/self/maps")) or ""
    return known_libraries(line.rpartition("/")[2] for line in text.splitlines() if "/" in line)


def known_libraries(files: Iterable[str]) -> list[str]:
    """Name those of some files that are known to start threads."""
    return sorted({name for file in set(files) for start, name in _LIBRARIES.items() if file.startswith(start)})
