"""All objects of a job, in the order in which they are applied."""

from orchestrator.cluster.manifests.files import config_map
from orchestrator.cluster.manifests.jobs import cron_job, job
from orchestrator.cluster.manifests.target import Manifest, Target
from orchestrator.cluster.manifests.versions import check_version
from orchestrator.cluster.manifests.wanted import check_wanted
from orchestrator.cluster.rules import check_rules


def build(target: Target) -> tuple[Manifest, ...]:
    """The objects that run a job: its ConfigMap, if it has files, then its Job or CronJob.

    The same target gives the same objects. Where the Job is to own the ConfigMap, create the Job first and pass
    the ConfigMap through :func:`orchestrator.cluster.manifests.owner.owned_by`: a pod waits for its ConfigMap.

    Raises:
        JobError: the job lacks what a cluster needs (an image, a store that all pods see), its files are too
            large, its patch makes what the server refuses, or the server is too old; the message says which field.
    """
    check_version(target.version, target.spec)
    check_wanted(target)
    schedule = target.spec.schedule
    worker = job(target) if schedule is None else cron_job(target, schedule)
    built = (config_map(target), worker) if target.files else (worker,)
    check_rules(built)
    return built
