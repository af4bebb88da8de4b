"""Keeps the worker below its memory limit: fewer items in flight, then a new worker; a pure decision over readings."""

from msgspec import Struct

from orchestrator.host.memory import (
    MemoryBudget,
    decide_memory,
    find_memory_limits,
    resident_bytes,
    show_bytes,
    total_memory,
)
from orchestrator.spec.model import JobSpec

NEAR = 0.85
"""From this share of the limit on, fewer items are in flight."""
FULL = 0.95
"""From this share on, with one thread left, the worker is replaced by a new one."""

HALF = 0.5
GROWING = 0.02
"""Memory that grew by this share of the limit from one look to the next is looked at again soon."""

_SELDOM = 1.0
_OFTEN = 0.1


class MemoryAdvice(Struct, frozen=True):
    """How many threads may work (0: have the worker replaced), and why."""

    threads: int
    reason: str


def advise(used: int, budget: MemoryBudget, threads: int) -> MemoryAdvice | None:
    """What to do with so many bytes used and so many threads at work; None for nothing.

    Args:
        used: bytes that this process has resident, or that its cgroup has in use, whichever is nearer the limit.
        budget: the limit, with its reason.
        threads: how many threads may work now.
    """
    limit = budget.limit_bytes
    if limit is None or used < NEAR * limit:
        return None
    state = f"memory: {show_bytes(used)} of {show_bytes(limit)} in use ({budget.reason})"
    if threads > 1:
        return MemoryAdvice(max(1, threads // 2), f"{state}: only {max(1, threads // 2)} threads go on")
    return MemoryAdvice(0, f"{state}: a new worker takes over") if used >= FULL * limit else None


class MemoryWatch:
    """Reads this process's memory against the job's limit.

    Attributes:
        interval: in how many seconds to look again: soon while memory grows, and from half of the limit on.
        share: of the nearer limit that was in use at the last look; 0 where there is none.
    """

    def __init__(self, spec: JobSpec) -> None:
        self._limits = find_memory_limits()
        wanted = None if spec.resources.memory is None else spec.resources.memory.bytes
        self._asked = decide_memory(wanted, total_memory(), None)
        self._replacing = False
        self.share = 0.0
        # A task may fill memory in its first second.
        self.interval = _OFTEN

    def look(self, threads: int) -> MemoryAdvice | None:
        """What to do now; after a replacement was advised, nothing more."""
        if self._replacing:
            return None
        readings = self._read()
        share = max((used / budget.limit_bytes for used, budget in readings if budget.limit_bytes), default=0.0)
        self.interval = _OFTEN if share >= HALF or share - self.share >= GROWING else _SELDOM
        self.share = share
        advice = next((found for used, budget in readings if (found := advise(used, budget, threads))), None)
        self._replacing = advice is not None and advice.threads == 0
        return advice

    def _read(self) -> list[tuple[int, MemoryBudget]]:
        """Bytes in use, and what they are to stay below: of the cgroup, and of this process."""
        readings = [(resident_bytes() or 0, self._asked)]
        limit, usage = self._limits.limit(), self._limits.usage()
        if limit is not None and usage is not None:
            budget = MemoryBudget(limit.limit_bytes, f"memory limit {limit}")
            readings.insert(0, (usage.working_set_bytes, budget))
        return readings
