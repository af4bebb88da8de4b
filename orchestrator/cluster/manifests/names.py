"""What objects are called, and the labels by which they are found."""

from orchestrator.cluster.manifests.target import Target
from orchestrator.run.folder import new_run_id
from orchestrator.spec.dns import LONGEST_LABEL
from orchestrator.spec.model import JobSpec
from orchestrator.spec.rules_kubernetes import TICK, index_digits

MANAGER = "ftorch"
"""Our field manager, and the value of the `managed-by` label."""

RUN_LABEL = "ftorch.dev/run"
JOB_LABEL = "ftorch.dev/job"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
JOB_NAME_LABEL = "batch.kubernetes.io/job-name"
"""Set by Kubernetes on every pod of a Job, a CronJob's ones included."""

_RUN_SUFFIX = len(new_run_id(""))


def longest_run_id(spec: JobSpec) -> int:
    """How long a Job's name may be, so that its last pod's name is one that a host can have (63 characters)."""
    tick = TICK if spec.schedule is not None else 0
    return LONGEST_LABEL - index_digits(spec.kubernetes) - tick


def cluster_run_id(spec: JobSpec) -> str:
    """A name for a new run of the job on a cluster: as on a machine, with the job's name cut where it is too long."""
    name = spec.name[: longest_run_id(spec) - _RUN_SUFFIX].rstrip("-")
    return new_run_id(name)


def labels(target: Target) -> dict[str, str]:
    """The labels of every object of the job, its pods included."""
    spec = target.spec
    common = {
        "app.kubernetes.io/name": "ftorch",
        "app.kubernetes.io/instance": spec.name,
        "app.kubernetes.io/managed-by": MANAGER,
        JOB_LABEL: spec.name,
    }
    return common if spec.schedule is not None else {**common, RUN_LABEL: target.run}


def metadata(target: Target, name: str) -> dict[str, object]:
    """An object's metadata."""
    place = {"namespace": target.namespace} if target.namespace else {}
    return {"name": name, **place, "labels": labels(target)}
