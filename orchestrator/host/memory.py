"""How much memory this process may use, how much it and its cgroup use now, and what a job may have of it.

v2: ``memory.max`` (the kernel kills above it) and ``memory.high`` (it slows everything down above it); v1:
``memory.limit_in_bytes`` and, in ``memory.stat``, ``hierarchical_memory_limit``, which also counts ancestors
that cannot be seen from here. All amounts are bytes. Nothing that is read here raises for what it holds.
"""

import os
import sys
from pathlib import Path

from msgspec import Struct

from orchestrator.errors import MachineError
from orchestrator.host.cgroups import parse_counters, whole_number
from orchestrator.host.mounts import Level, read_mounts, read_text, visible_levels


class MemoryLimit(Struct, frozen=True):
    """The lowest limit among the visible cgroups: bytes, the cgroup, and the file that says so."""

    limit_bytes: int
    where: str
    file: str

    def __str__(self) -> str:
        return f"{show_bytes(self.limit_bytes)} ({self.file} at {self.where})"


class MemoryUsage(Struct, frozen=True):
    """What the processes of a cgroup use; the working set leaves out file pages that can be dropped."""

    usage_bytes: int
    working_set_bytes: int
    where: str


class MemoryBudget(Struct, frozen=True):
    """The bytes a job may use on this node, and where the number comes from; None where nothing is known."""

    limit_bytes: int | None
    reason: str


class MemoryLimits(Struct, frozen=True):
    """The cgroups that may limit this process's memory, found once; to read them again is cheap."""

    levels: tuple[Level, ...]

    def limit(self) -> MemoryLimit | None:
        """Read the lowest limit of all visible levels, or None where there is none."""
        found = [limit for level in self.levels for limit in _read_limits(level)]
        return min(found, key=lambda limit: limit.limit_bytes, default=None)

    def usage(self) -> MemoryUsage | None:
        """Read the usage of the cgroup with the lowest limit, or of the process's own where there is none."""
        limit = self.limit()
        levels = [level for level in self.levels if limit and level.where == limit.where] or list(self.levels)
        return next((usage for level in levels if (usage := _read_usage(level))), None)


def find_memory_limits(root: Path | str = "/") -> MemoryLimits:
    """Find the cgroups of this process that can hold a memory limit, in the file tree under `root`."""
    entries, mounts = read_mounts(Path(root))
    return MemoryLimits(visible_levels("memory", entries, mounts, Path(root)))


def decide_memory(request: int | None, total: int | None, limit: MemoryLimit | None) -> MemoryBudget:
    """Decide how many bytes the job may use: what it asks for, else its cgroup's limit, else the machine's
    memory.

    Pure. `request` is ``resources.memory``; `total` the machine's memory.

    Raises: MachineError: the job asks for more than the cgroup or the machine has.
    """
    bounds = []
    if limit is not None:
        bounds.append((limit.limit_bytes, f"memory limit {limit}"))
    if total is not None:
        bounds.append((total, f"the machine's memory, {show_bytes(total)}"))
    most, source = min(bounds, default=(None, "this machine does not say how much memory it has"))
    if request is None:
        return MemoryBudget(most, source)
    if most is not None and request > most:
        raise MachineError(
            f"the job asks for {show_bytes(request)} of memory, but there is less: {source}",
            where="resources.memory",
            hint="Lower resources.memory, raise the container's limit, or take a bigger machine.",
        )
    return MemoryBudget(request, f"asked for by resources.memory: {show_bytes(request)}")


def total_memory(root: Path | str = "/") -> int | None:
    """Read the machine's memory in bytes; None where neither /proc nor the system says."""
    return _meminfo(Path(root), "MemTotal") or (_system_memory() if str(root) == "/" else None)


def available_memory(root: Path | str = "/") -> int | None:
    """Read what the kernel believes can be had without swapping, in bytes; None outside Linux."""
    return _meminfo(Path(root), "MemAvailable")


def resident_bytes(root: Path | str = "/") -> int | None:
    """Read this process's resident set in bytes; None where it cannot be known."""
    fields = (read_text(Path(root) / "proc/self/statm") or "").split()
    pages = whole_number(fields[1]) if len(fields) > 1 else None
    if pages is not None:
        return pages * os.sysconf("SC_PAGE_SIZE")
    return None if sys.platform == "linux" else _resident_elsewhere()


def show_bytes(number: int) -> str:
    """Write an amount for people, in binary units with at most two decimals: "1.5 GiB"."""
    amount, units = float(number), ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
    step = min(len(units) - 1, max(0, number.bit_length() - 1) // 10)
    return f"{round(amount / 1024**step, 2):g} {units[step]}" if step else f"{number} bytes"


def _read_limits(level: Level) -> list[MemoryLimit]:
    # Where v2 writes "max", v1 writes about 2**63, which has a digit more than `whole_number` takes.
    if level.version == 2:
        found = {name: whole_number(read_text(level.folder / name)) for name in ("memory.max", "memory.high")}
    else:
        stat = parse_counters(read_text(level.folder / "memory.stat") or "")
        found = {
            "memory.limit_in_bytes": whole_number(read_text(level.folder / "memory.limit_in_bytes")),
            "hierarchical_memory_limit": stat.get("hierarchical_memory_limit"),
        }
    return [
        MemoryLimit(number, level.where, name) for name, number in found.items() if number is not None and number > 0
    ]


def _read_usage(level: Level) -> MemoryUsage | None:
    name = "memory.current" if level.version == 2 else "memory.usage_in_bytes"
    usage = whole_number(read_text(level.folder / name))
    if usage is None:
        return None
    stat = parse_counters(read_text(level.folder / "memory.stat") or "")
    idle = stat.get("inactive_file", 0) if level.version == 2 else stat.get("total_inactive_file", 0)
    return MemoryUsage(usage, max(0, usage - idle), level.where)


def _meminfo(root: Path, name: str) -> int | None:
    for line in (read_text(root / "proc/meminfo") or "").split("\n"):
        key, _, rest = line.partition(":")
        if key == name:
            kib = whole_number(rest.strip().removesuffix("kB"))
            return kib * 1024 if kib is not None else None
    return None


def _system_memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except OSError, ValueError:
        return None


def _resident_elsewhere() -> int | None:
    import psutil  # only where there is no /proc: importing it costs more than the whole decision

    return int(psutil.Process().memory_info().rss)
