"""What the figures were measured on, and how quiet it was there meanwhile."""

import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """What the figures were measured on; nothing that names the machine."""
    # A file's name is no fact of the machine, so the interpreter is described by its build alone.
    return {
        "cpu": _field("/proc/cpuinfo", "model name"),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "kernel": platform.release(),
        "python": sys.version,
        "gil": sys._is_gil_enabled(),  # noqa: SLF001 - documented
    }


@contextmanager
def watched() -> Iterator[dict[str, float]]:
    """How many CPUs other processes used, and how many were stolen by the host, while the block ran."""
    seen: dict[str, float] = {"cpus": len(os.sched_getaffinity(0))}
    started, before, ours = time.perf_counter(), _system_seconds(), _own_seconds()
    yield seen
    seconds = time.perf_counter() - started
    busy, steal = (now - then for now, then in zip(_system_seconds(), before, strict=True))
    seen |= {"seconds": seconds, "steal": steal / seconds}
    seen["others"] = max(0.0, (busy - (_own_seconds() - ours)) / seconds)


def _own_seconds() -> float:
    samples = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(sample.ru_utime + sample.ru_stime for sample in samples)


def _system_seconds() -> tuple[float, float]:
    """CPU seconds of all processes, and stolen ones, since the machine started (proc_stat(5))."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, _, _, irq, softirq, steal = (int(word) for word in stat.readline().split()[1:9])
    ticks = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + softirq) / ticks, steal / ticks


def commit() -> str | None:
    """The commit that was measured, marked where files differ from it; None where there is no repository."""
    command = ["git", "-C", os.fspath(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except OSError, subprocess.CalledProcessError:
        return None


def _field(path: str, name: str) -> str | None:
    text = Path(path).read_text(encoding="utf-8")
    return next((line.partition(":")[2].strip() for line in text.split("\n") if line.startswith(name)), None)
