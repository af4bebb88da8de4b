"""What is to be put on a cluster: a job, under which name, for which server."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from orchestrator.spec.model import JobSpec

type Manifest = dict[str, Any]
type Version = tuple[int, int]

OLDEST: Version = (1, 33)
NEWEST: Version = (1, 37)
"""The versions whose schemas the manifests are tested against."""


class Target(Struct, frozen=True):
    """A job on its way to a cluster.

    Attributes:
        spec: the job.
        run: the run's id, which is the Job's name; of a job with a schedule, the CronJob's name.
        files: what the ConfigMap holds, by path below the job file's folder: ``job.yaml`` and the task's files.
            Empty where `kubernetes.job_file` names a job in the image.
        namespace: where it goes; None leaves it to whoever applies it.
        version: the API server's, as (major, minor).
    """

    spec: JobSpec
    run: str
    files: Mapping[str, str] = field(default_factory=dict)
    namespace: str | None = None
    version: Version = (1, 36)
