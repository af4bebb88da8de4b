"""What one thread has used so far, and what it does, read from the kernel: CPU time, the run queue, switches, calls.

Formats: man 5 proc_pid_stat, proc_pid_status; kernel: Documentation/scheduler/sched-stats.rst (schedstat). What a
system does not give (macOS has no /proc, gVisor no schedstat) is None: not measured.
"""

import os
import time
from pathlib import Path

from msgspec import Struct

from orchestrator.host.cgroups import whole_number
from orchestrator.host.mounts import read_text
from orchestrator.measure.looks import parse_call

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_DELAY_ACCOUNTING = Path("/proc/sys/kernel/task_delayacct")


class ThreadUse(Struct, frozen=True):
    """Counters of one thread since it began; seconds, and how many switches and faults.

    Attributes:
        at: when they were read (`time.perf_counter`).
        run: on a CPU, in user and kernel mode.
        delay: ready to run, without a CPU.
        user, system: on a CPU, as the clock tick saw it.
        block: waiting for a disk, where the kernel keeps account of it (sysctl kernel.task_delayacct).
        faults: page faults that read from a disk.
        voluntary, involuntary: switches because it waited, and because its CPU was taken away.
    """

    at: float
    run: float | None = None
    delay: float | None = None
    user: float | None = None
    system: float | None = None
    block: float | None = None
    faults: int | None = None
    voluntary: int | None = None
    involuntary: int | None = None


def read_thread(place: str) -> ThreadUse:
    """Read the counters of a thread: `place` is its folder, /proc/self/task/TID."""
    run, delay = parse_schedstat(read_text(Path(place, "schedstat")))
    stat = parse_stat(read_text(Path(place, "stat")))
    voluntary, involuntary = parse_switches(read_text(Path(place, "status")))
    block = stat[3] if stat is not None and whole_number(read_text(_DELAY_ACCOUNTING)) else None
    user, system, faults = stat[:3] if stat is not None else (None, None, None)
    return ThreadUse(time.perf_counter(), run, delay, user, system, block, faults, voluntary, involuntary)


def parse_schedstat(text: str | None) -> tuple[float | None, float | None]:
    """Read ``RUN DELAY SLICES`` (ns, ns, count): seconds on a CPU and in the run queue."""
    fields = [whole_number(field) for field in (text or "").split()]
    if len(fields) < 2 or fields[0] is None or fields[1] is None:
        return None, None
    return fields[0] / 1e9, fields[1] / 1e9


def parse_stat(text: str | None) -> tuple[float, float, int, float] | None:
    """Read stat: user and system seconds, major faults, seconds that a disk was waited for."""
    # The name may hold blanks and brackets; it ends with the last one.
    fields = (text or "").rpartition(")")[2].split()
    if len(fields) < 40:
        return None
    faults, user, system, block = (whole_number(fields[at]) or 0 for at in (9, 11, 12, 39))
    return user / _TICKS, system / _TICKS, faults, block / _TICKS


def parse_switches(text: str | None) -> tuple[int | None, int | None]:
    """Read status: voluntary and involuntary context switches."""
    rows = dict(line.partition(":")[::2] for line in (text or "").splitlines())
    return whole_number(rows.get("voluntary_ctxt_switches")), whole_number(rows.get("nonvoluntary_ctxt_switches"))


def between(before: ThreadUse, after: ThreadUse) -> ThreadUse:
    """What was added from one reading to the next; `at` is the seconds between them.

    A kernel that keeps no account of the run queue writes zeros: these say nothing.
    """
    names = [name for name in ThreadUse.__struct_fields__ if name != "at"]
    if not after.run:
        names = [name for name in names if name not in ("run", "delay")]
    added = {name: _added(getattr(before, name), getattr(after, name)) for name in names}
    return ThreadUse(after.at - before.at, **added)


def _added[Number: (int, float)](before: Number | None, after: Number | None) -> Number | None:
    return None if before is None or after is None else max(after - before, type(after)(0))


def read_call(place: str) -> str | None:
    """What a thread does at this moment, as `parse_call` names it (man 5 proc_pid_syscall); None where nothing says.

    Args:
        place: the thread's folder of /proc.
    """
    try:
        # Without the layers of open(): it is done many times a second for each thread.
        file = os.open(f"{place}/syscall", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return parse_call(os.read(file, 256).decode())
        finally:
            os.close(file)
    except OSError:
        return None
