"""How many threads a job gets on this node, and why: facts are read, then decided on by a pure function.

An explicit number wins, then the environment's FTORCH_THREADS, then what the node allows: the CPUs of the
affinity mask or the tightest quota, whichever is less. The quota, which need not be whole, is rounded by the
job's rule.
"""

import os
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal, assert_never

from msgspec import Struct

from orchestrator.errors import JobError
from orchestrator.host.cgroups import CpuQuota, find_cpu_limits, whole_number
from orchestrator.host.mounts import read_text

VARIABLE = "FTORCH_THREADS"
MOST_THREADS = 4096
MOST_CPUS = 1 << 16
MOST_A_CPU = 4
"""Threads that wait may be so many on each CPU."""

type Profile = Literal["cpu", "mixed"]
type Rounding = Literal["floor", "ceil", "nearest"]


class CpuFacts(Struct, frozen=True):
    """What bounds the threads: CPUs this process may run on, the tightest quota, and each CPU's physical
    core.

    `core_of` names a core by its lowest-numbered CPU; a CPU it does not hold is taken for a core of its own.
    """

    affinity: tuple[int, ...]
    quota: CpuQuota | None = None
    core_of: dict[int, int] = {}

    @property
    def cores(self) -> int:
        """Count the distinct physical cores in the affinity mask."""
        return len({self.core_of.get(cpu, cpu) for cpu in self.affinity})

    @property
    def available(self) -> float:
        """CPUs' worth of time this process can get: the affinity mask or the quota, whichever is less."""
        return min(float(len(self.affinity)), self.quota.cpus) if self.quota else float(len(self.affinity))


class ThreadDecision(Struct, frozen=True):
    """A number of threads, the reason for it, and what a user should know about it.

    Attributes:
        climbs: more are tried while the job runs, and kept while they pay.
    """

    threads: int
    reason: str
    warnings: tuple[str, ...] = ()
    climbs: bool = False


def decide_threads(
    request: int | Literal["auto"],
    profile: Profile,
    rounding: Rounding,
    env: Mapping[str, str],
    facts: CpuFacts,
) -> ThreadDecision:
    """Decide how many threads run the job; pure.

    Args:
        request: the number given by ``--threads`` or ``resources.threads``, or "auto".
        profile: "cpu" takes one thread a physical core; "mixed" begins with one a CPU, and climbs.
        rounding: what becomes of a quota that is not whole; "nearest" takes a half up.
        env: the environment; only FTORCH_THREADS is looked at.
        facts: what `cpu_facts` read.

    Raises:
        JobError: FTORCH_THREADS is neither "auto" nor a number from 1 to 4096.
    """
    if request != "auto":
        return _asked(request, "asked for by --threads or resources.threads", profile, facts)
    from_env = _threads_in(env)
    if from_env is not None:
        return _asked(from_env, f"asked for by {VARIABLE}", profile, facts)
    threads, reason = _detected(rounding, facts)
    if profile == "mixed":
        return ThreadDecision(threads, reason, _scarce(facts), climbs=True)
    if facts.cores < threads:
        return ThreadDecision(facts.cores, _cores_reason(facts), _scarce(facts))
    return ThreadDecision(threads, reason, _scarce(facts))


def pin_plan(facts: CpuFacts, n: int) -> tuple[int, ...]:
    """Choose a CPU for each of n threads: first one of every physical core, then their other hyper-threads.

    With more threads than CPUs the plan begins again; without any CPU it is empty.
    """
    taken: Counter[int] = Counter()
    ranked = []
    for cpu in sorted(facts.affinity):
        core = facts.core_of.get(cpu, cpu)
        ranked.append((taken[core], cpu))
        taken[core] += 1
    order = [cpu for _, cpu in sorted(ranked)]
    return tuple(order[thread % len(order)] for thread in range(n)) if order else ()


def cpu_facts(root: Path | str = "/", affinity: Collection[int] | None = None) -> CpuFacts:
    """Read the facts of this process and node; `root` and `affinity` can be given for a node that is not
    this one.

    Without /proc and /sys (macOS) there is no quota, and every CPU counts as a core.
    """
    cpus = tuple(sorted(read_affinity() if affinity is None else affinity)) or (0,)
    return CpuFacts(cpus, find_cpu_limits(root).read(), {cpu: _read_core(Path(root), cpu) for cpu in cpus})


def read_affinity() -> frozenset[int]:
    """Ask the system which CPUs this thread may run on; where it cannot say, as many as Python counts."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.process_cpu_count() or 1))


def parse_cpu_list(text: str) -> frozenset[int]:
    """Read the kernel's list form ("0-3,8,10-11"), without parts that make no sense or pass 65536."""
    cpus: set[int] = set()
    for part in text.strip().split(","):
        first, dash, last = part.partition("-")
        low, high = whole_number(first), whole_number(last if dash else first)
        if low is not None and high is not None and high < MOST_CPUS:
            cpus.update(range(low, high + 1))
    return frozenset(cpus)


def round_quota(quota: CpuQuota, rounding: Rounding) -> int:
    """Turn a quota into a whole number of threads, at least 1, in exact arithmetic."""
    match rounding:
        case "floor":
            whole = quota.quota_us // quota.period_us
        case "ceil":
            whole = -(-quota.quota_us // quota.period_us)
        case "nearest":
            whole = (2 * quota.quota_us + quota.period_us) // (2 * quota.period_us)
        case _:
            assert_never(rounding)
    return max(1, whole)


def _detected(rounding: Rounding, facts: CpuFacts) -> tuple[int, str]:
    cpus = len(facts.affinity)
    mask = f"{_count(cpus, 'CPU')} in the affinity mask"
    if facts.quota is None:
        return cpus, f"{mask}, no CPU quota"
    if not _quota_binds(facts):
        return cpus, f"{mask}; the quota is no lower: {facts.quota}"
    return round_quota(facts.quota, rounding), f"quota {facts.quota}{_how_rounded(rounding, facts.quota)}"


def _how_rounded(rounding: Rounding, quota: CpuQuota) -> str:
    if quota.quota_us % quota.period_us == 0:
        return ""
    if quota.quota_us < quota.period_us:
        return ", at least 1 thread"
    word = {"floor": "down", "ceil": "up", "nearest": "to the nearest"}[rounding]
    return f" rounded {word}"


def _cores_reason(facts: CpuFacts) -> str:
    mask, cores = _count(len(facts.affinity), "CPU"), _count(facts.cores, "physical core")
    return f"{mask} in the affinity mask, {cores}; profile cpu uses one thread a core"


def _asked(threads: int, reason: str, profile: Profile, facts: CpuFacts) -> ThreadDecision:
    bearable = facts.available * (MOST_A_CPU if profile == "mixed" else 1)
    if threads <= max(1, bearable):
        return ThreadDecision(threads, reason, _scarce(facts))
    limit = str(facts.quota) if _quota_binds(facts) else f"{_count(len(facts.affinity), 'CPU')} (affinity mask)"
    warning = f"{threads} threads, but the process may use only {limit}: they will wait for each other"
    return ThreadDecision(threads, reason, (warning, *_scarce(facts)))


def _quota_binds(facts: CpuFacts) -> bool:
    return facts.quota is not None and facts.quota.cpus < len(facts.affinity)


def _scarce(facts: CpuFacts) -> tuple[str, ...]:
    if facts.quota is None or facts.quota.cpus >= 1:
        return ()
    return (f"less than one CPU: {facts.quota}; even a single thread will be throttled",)


def _threads_in(env: Mapping[str, str]) -> int | None:
    text = env.get(VARIABLE, "").strip()
    if text in ("", "auto"):
        return None
    number = whole_number(text)
    if number is None or not 1 <= number <= MOST_THREADS:
        message = f"found {text!r}, expected a whole number from 1 to {MOST_THREADS}, or auto"
        raise JobError(message, where=VARIABLE, hint=f"Set {VARIABLE} to a number of threads, or unset it.")
    return number


def _read_core(root: Path, cpu: int) -> int:
    topology = root / f"sys/devices/system/cpu/cpu{cpu}/topology"
    return min(parse_cpu_list(read_text(topology / "thread_siblings_list") or ""), default=cpu)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
