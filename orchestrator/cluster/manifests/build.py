"""All objects of a job, in the order in which they are applied."""

from orchestrator.cluster.manifests.target import Manifest, Target


def build(target: Target) -> tuple[Manifest, ...]:
    """The objects that run a job: its ConfigMap, if it has files, then its Job or CronJob.

    The same target gives the same objects. Where the Job is to own the ConfigMap, create the Job first and pass
    the ConfigMap through :func:`orchestrator.cluster.manifests.owner.owned_by`: a pod waits for its ConfigMap.

    Raises:
        JobError: the job lacks what a cluster needs (an image, a store that all pods see), its files are too
            large, or the server is too old; the message says which field.
    """
    raise NotImplementedError(target)
