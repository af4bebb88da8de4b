"""How busy the CPUs are that this process may use, whoever uses them: /proc/stat (man 5 proc_stat)."""

import os
from collections.abc import Collection
from pathlib import Path

from msgspec import Struct

from orchestrator.host.cgroups import whole_number
from orchestrator.host.mounts import read_text
from orchestrator.measure.account import Machine

_IDLE = (3, 4)
_STEAL = 7
# Time of guests is counted in user time, too.
_COLUMNS = 8


class CpuTimes(Struct, frozen=True):
    """CPU seconds since the machine started: used by anybody, and taken by the hypervisor."""

    busy: float
    steal: float


def read_cpu_times(cpus: Collection[int]) -> CpuTimes | None:
    """Read what was used of some CPUs; None where the system does not say."""
    return parse_cpu_times(read_text(Path("/proc/stat")), cpus, os.sysconf("SC_CLK_TCK"))


def parse_cpu_times(text: str | None, cpus: Collection[int], ticks: int) -> CpuTimes | None:
    """Add up the lines of some CPUs; `ticks` a second. None where one is missing, or all count nothing (gVisor)."""
    busy = steal = 0
    wanted = {f"cpu{cpu}" for cpu in cpus}
    for line in (text or "").splitlines():
        name, *fields = line.split()
        if name not in wanted:
            continue
        wanted.remove(name)
        numbers = [whole_number(field) or 0 for field in fields[:_COLUMNS]]
        numbers += [0] * (_COLUMNS - len(numbers))
        steal += numbers[_STEAL]
        busy += sum(numbers) - sum(numbers[at] for at in _IDLE) - numbers[_STEAL]
    return CpuTimes(busy / ticks, steal / ticks) if busy and not wanted else None


def machine_between(before: CpuTimes | None, after: CpuTimes | None, ours: float) -> Machine | None:
    """What others used between two readings, when this process used `ours` CPU seconds."""
    if before is None or after is None:
        return None
    return Machine(max(0.0, after.busy - before.busy - ours), max(0.0, after.steal - before.steal))
