"""What the end of a pod means for its shard and its Job, by our exit codes (:mod:`orchestrator.errors`)."""

import signal

from orchestrator.cluster.manifests.target import Manifest
from orchestrator.errors import BAD_JOB, BAD_MACHINE, RESUMABLE, SIGNAL_BASE, TOO_MANY_FAILED
from orchestrator.spec.model import JobSpec

CRASHES = (signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV)
"""Signals by which a worker dies of its own code. SIGKILL is not among them: the kernel sends it to a whole container
that is out of memory, before the supervisor could set the item aside; the next pod will."""


def pod_failure_policy(spec: JobSpec, container: str) -> Manifest:
    """The rules, of which the first that fits counts.

    An interrupted pod (75) is free where `timeout.job` bounds the Job; else each one counts as a failure of its
    shard, as a Job that is interrupted for ever would go on for ever.
    """
    poison = sorted([TOO_MANY_FAILED, *(SIGNAL_BASE + number for number in CRASHES)])
    resumable = "Ignore" if spec.timeout.job is not None else "Count"
    return {
        "rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            _on_exit("FailJob", container, [BAD_JOB, BAD_MACHINE]),
            _on_exit("FailIndex", container, poison),
            _on_exit(resumable, container, [RESUMABLE]),
        ]
    }


def _on_exit(action: str, container: str, codes: list[int]) -> Manifest:
    return {"action": action, "onExitCodes": {"containerName": container, "operator": "In", "values": codes}}
