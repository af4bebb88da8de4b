"""Whether the number of threads should follow a CPU quota that was changed while the work runs."""

from orchestrator.host.cgroups import CpuLimits, find_cpu_limits
from orchestrator.host.cpus import CpuFacts, ThreadDecision, cpu_facts, decide_threads
from orchestrator.spec.model import Resources


class QuotaWatch:
    """Reads the CPU quota again each time it is asked, and decides anew when it is another one."""

    def __init__(self, resources: Resources, decided: ThreadDecision) -> None:
        self._resources = resources
        self._threads = decided.threads
        self._limits: CpuLimits = find_cpu_limits()
        self._facts = cpu_facts()

    def allowed(self) -> ThreadDecision | None:
        """The new decision, or None where it is what it was."""
        quota = self._limits.read()
        if quota == self._facts.quota:
            return None
        self._facts = CpuFacts(self._facts.affinity, quota, self._facts.core_of)
        resources = self._resources
        if resources.threads != "auto":
            return None
        decision = decide_threads("auto", resources.profile, resources.rounding, {}, self._facts)
        changed = decision.threads != self._threads
        self._threads = decision.threads
        return decision if changed else None
