"""Everything the report and ``ftorch doctor`` say about the node, read once; what cannot be read is None."""

import os
from pathlib import Path
from typing import Literal

from msgspec import Struct

from orchestrator.host.cgroups import CpuQuota, Throttling, cgroup_versions, find_cpu_limits, read_cpuset
from orchestrator.host.cpus import cpu_facts
from orchestrator.host.interpreter import InterpreterFacts, interpreter_facts
from orchestrator.host.memory import (
    MemoryLimit,
    MemoryUsage,
    available_memory,
    find_memory_limits,
    resident_bytes,
    total_memory,
)
from orchestrator.host.mounts import read_text


class HostFacts(Struct, frozen=True):
    """A node as this process sees it. Memory is in bytes; `throttling` has a row for each level."""

    hostname: str
    kernel: str
    boot_id: str | None
    cpu_model: str | None
    cpus: int | None
    affinity: int
    physical_cores: int
    cpuset: str | None
    cgroups: Literal["v1", "v2", "hybrid"] | None
    quota: CpuQuota | None
    throttling: tuple[Throttling, ...]
    memory_total: int | None
    memory_available: int | None
    memory_limit: MemoryLimit | None
    memory_usage: MemoryUsage | None
    resident: int | None
    interpreter: InterpreterFacts


def describe_host(root: Path | str = "/") -> HostFacts:
    """Read what there is to know about this node; never raises, on Linux or elsewhere."""
    base = Path(root)
    cpus = cpu_facts(base)
    memory = find_memory_limits(base)
    return HostFacts(
        hostname=_line(base / "proc/sys/kernel/hostname") or os.uname().nodename,
        kernel=_line(base / "proc/sys/kernel/osrelease") or f"{os.uname().sysname} {os.uname().release}",
        boot_id=_line(base / "proc/sys/kernel/random/boot_id"),
        cpu_model=_cpu_model(base),
        cpus=os.cpu_count(),
        affinity=len(cpus.affinity),
        physical_cores=cpus.cores,
        cpuset=read_cpuset(base),
        cgroups=cgroup_versions(base),
        quota=cpus.quota,
        throttling=find_cpu_limits(base).throttling(),
        memory_total=total_memory(base),
        memory_available=available_memory(base),
        memory_limit=memory.limit(),
        memory_usage=memory.usage(),
        resident=resident_bytes(base),
        interpreter=interpreter_facts(),
    )


def _line(path: Path) -> str | None:
    return (read_text(path) or "").strip() or None


def _cpu_model(root: Path) -> str | None:
    for line in (read_text(root / "proc/cpuinfo") or "").split("\n"):
        key, _, value = line.partition(":")
        # Arm kernels name no model; some give the board instead.
        if key.strip() in ("model name", "Hardware", "cpu model") and value.strip():
            return value.strip()
    return os.uname().machine or None
