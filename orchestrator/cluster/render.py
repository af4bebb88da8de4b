"""What `ftorch render` writes: the objects, or the Helm chart's values."""

from pathlib import Path
from typing import Any

from orchestrator.cluster.bring import files_of, job_values, target_of
from orchestrator.cluster.manifests.build import build
from orchestrator.cluster.manifests.files import JOB_FILE
from orchestrator.cluster.manifests.target import Manifest, Version
from orchestrator.cluster.text import to_yaml
from orchestrator.spec.model import JobSpec


def render(spec: JobSpec, base: Path, version: Version, run: str | None = None) -> tuple[Manifest, ...]:
    """The objects that `submit --on kubernetes` applies; the Job has the job's name where no run is named.

    Raises:
        JobError: the job cannot go to such a cluster.
    """
    return build(target_of(spec, base, run or spec.name, version))


def helm_values(spec: JobSpec, base: Path, version: Version) -> dict[str, Any]:
    """The values with which the chart makes the same objects: the job file's keys, and the code as `files`.

    Raises:
        JobError: the job cannot go to such a cluster.
    """
    render(spec, base, version)
    code = {name: text for name, text in files_of(spec, base).items() if name != JOB_FILE}
    return job_values(spec) | ({"files": code} if code else {})


def rendered_text(spec: JobSpec, base: Path, version: Version, run: str | None = None) -> str:
    """The objects as YAML, ready for `kubectl apply -f -`."""
    return to_yaml(render(spec, base, version, run))
