"""What the cgroups of this process allow it to use of the CPUs: quota, throttling, cpuset. Reading only.

v1: ``cpu.cfs_quota_us`` and ``cpu.cfs_period_us``; v2: ``cpu.max``. A quota binds everything below it, so
every visible level is read and the tightest counts (kernel: Documentation/scheduler/sched-bwc.rst,
Documentation/admin-guide/cgroup-v2.rst). A value that cannot be understood limits nothing.

Guarantees: nothing here raises for what a file holds, or for a file that is missing or goes away.
`CpuLimits` is immutable; any thread may read it at any time. Assumes: the process stays in the cgroups it
was in when its limits were found.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from msgspec import Struct

from orchestrator.host.mounts import Level, read_mounts, read_text, visible_levels

DEFAULT_PERIOD_US = 100_000
"""The kernel's own default period (microseconds), for where only a quota can be read."""

# 18 digits stay below 2**63: the kernel writes nothing longer.
_NUMBER = re.compile(r"[0-9]{1,18}")


class CpuQuota(Struct, frozen=True):
    """CPU time a cgroup may use: `quota_us` microseconds in each `period_us`, which is `cpus` CPUs' worth."""

    cpus: float
    where: str
    quota_us: int
    period_us: int
    version: int

    def __str__(self) -> str:
        name = "cpu.max" if self.version == 2 else "cpu.cfs_quota_us"
        unit = "CPU" if self.cpus == 1 else "CPUs"
        return f"{self.cpus:g} {unit} ({name} {self.quota_us} / {self.period_us} at {self.where})"


class Throttling(Struct, frozen=True):
    """Counters of one cgroup's quota since it was made: periods, throttled ones, seconds over all CPUs."""

    where: str
    periods: int
    throttled: int
    seconds: float


class CpuLimits(Struct, frozen=True):
    """The cgroups that may limit this process's CPU time, found once; to read them again is cheap."""

    levels: tuple[Level, ...]

    def read(self) -> CpuQuota | None:
        """Read the tightest quota as it is now, or None where no visible level has one.

        Of equal quotas the one nearest the process is given.
        """
        return min(self.quotas(), key=lambda quota: quota.cpus, default=None)

    def quotas(self) -> tuple[CpuQuota, ...]:
        """Read the quota of each level that has one, the process's own first."""
        return tuple(quota for level in self.levels if (quota := read_quota(level)))

    def throttling(self) -> tuple[Throttling, ...]:
        """Read the throttle counters of each level that has them, the process's own first."""
        return tuple(counters for level in self.levels if (counters := _read_throttling(level)))


def find_cpu_limits(root: Path | str = "/") -> CpuLimits:
    """Find the cgroups of this process that can hold a CPU quota, in the file tree under `root`."""
    entries, mounts = read_mounts(Path(root))
    return CpuLimits(visible_levels("cpu", entries, mounts, Path(root)))


def read_cpuset(root: Path | str = "/") -> str | None:
    """Read the CPUs of the process's cpuset ("0-3,8"), for the report; the affinity mask obeys it anyway."""
    entries, mounts = read_mounts(Path(root))
    levels = visible_levels("cpuset", entries, mounts, Path(root))
    names = ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus")
    texts = (read_text(level.folder / name) for level in levels for name in names)
    return next((text.strip() for text in texts if text and text.strip()), None)


def cgroup_versions(root: Path | str = "/") -> Literal["v1", "v2", "hybrid"] | None:
    """Say which cgroup versions are mounted with this process in them; None where there are none to see."""
    entries, mounts = read_mounts(Path(root))
    has_v2 = any(mount.version == 2 for mount in mounts) and any(not entry.controllers for entry in entries)
    has_v1 = any(_is_resource(mount.controllers) for mount in mounts if mount.version == 1)
    if has_v1:
        return "hybrid" if has_v2 else "v1"
    return "v2" if has_v2 else None


def read_quota(level: Level) -> CpuQuota | None:
    """Read one level's quota; None where it has none, or the files say nothing that makes sense."""
    if level.version == 2:
        pair = parse_cpu_max(read_text(level.folder / "cpu.max"))
    else:
        period = read_text(level.folder / "cpu.cfs_period_us")
        pair = parse_cfs(read_text(level.folder / "cpu.cfs_quota_us"), period)
    if pair is None:
        return None
    return CpuQuota(pair.quota_us / pair.period_us, level.where, pair.quota_us, pair.period_us, level.version)


class QuotaPair(NamedTuple):
    """A quota and its period, microseconds; both at least 1."""

    quota_us: int
    period_us: int


def parse_cpu_max(text: str | None) -> QuotaPair | None:
    """Read v2's ``$MAX $PERIOD``; None for "max" and for what makes no sense."""
    fields = (text or "").split()
    if not fields:
        return None
    return parse_cfs(fields[0], fields[1] if len(fields) > 1 else None)


def parse_cfs(quota: str | None, period: str | None) -> QuotaPair | None:
    """Read v1's pair of files; None for -1 (no limit), 0 and nonsense. A missing period is 100 ms."""
    quota_us = whole_number(quota)
    period_us = DEFAULT_PERIOD_US if period is None else whole_number(period)
    return QuotaPair(quota_us, period_us) if quota_us and period_us else None


def whole_number(text: str | None) -> int | None:
    """Read a number of at most 18 ASCII digits, blanks around it allowed; None for anything else."""
    stripped = (text or "").strip()
    return int(stripped) if _NUMBER.fullmatch(stripped) else None


def parse_counters(text: str) -> Mapping[str, int]:
    """Read a flat-keyed file (cpu.stat, memory.stat): lines of a name and a number, no others."""
    rows = (line.split() for line in text.split("\n"))
    pairs = ((row[0], whole_number(row[1])) for row in rows if len(row) == 2)
    return {name: number for name, number in pairs if number is not None}


def parse_throttling(text: str, where: str) -> Throttling | None:
    """Read cpu.stat: v1 counts nanoseconds (`throttled_time`), v2 microseconds (`throttled_usec`)."""
    counters = parse_counters(text)
    if "nr_periods" not in counters:
        return None
    seconds = counters.get("throttled_usec", 0) / 1e6 or counters.get("throttled_time", 0) / 1e9
    return Throttling(where, counters["nr_periods"], counters.get("nr_throttled", 0), seconds)


def throttled_between(before: Iterable[Throttling], after: Iterable[Throttling]) -> Throttling | None:
    """Give what was added between two readings at the level that was throttled longest; None without a
    common one.

    Levels are not added up: a process stopped by its own cgroup and by its parent's at once is stopped once.
    """
    start = {counters.where: counters for counters in before}
    added = [
        Throttling(
            now.where,
            now.periods - start[now.where].periods,
            now.throttled - start[now.where].throttled,
            now.seconds - start[now.where].seconds,
        )
        for now in after
        if now.where in start
    ]
    return max(added, key=lambda counters: (counters.seconds, counters.periods), default=None)


def _read_throttling(level: Level) -> Throttling | None:
    text = read_text(level.folder / "cpu.stat")
    return parse_throttling(text, level.where) if text else None


def _is_resource(controllers: tuple[str, ...]) -> bool:
    return not {"cpu", "memory", "cpuset"}.isdisjoint(controllers)
