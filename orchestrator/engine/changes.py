"""Whether a run may be gone on with: its job and its code must be what they were when it began."""

from orchestrator.errors import RunConflict
from orchestrator.run.folder import Manifest
from orchestrator.spec.model import JobSpec

_DECIDES_RESULTS = ("task", "arguments", "input", "output")


def changed_fields(manifest: Manifest, spec: JobSpec) -> list[str]:
    """The parts of the job that decide its results and are not what they were."""
    before = manifest.spec
    names = {"arguments": "with"}
    return [names.get(name, name) for name in _DECIDES_RESULTS if getattr(before, name) != getattr(spec, name)]


def check_unchanged(manifest: Manifest, spec: JobSpec, fingerprint: str) -> None:
    """Refuse to mix results of two jobs, or of two versions of the code, in one run.

    Raises:
        RunConflict: the job or its code changed.
    """
    changed = changed_fields(manifest, spec)
    if fingerprint != manifest.task_fingerprint:
        changed.append(f"the code of {spec.task}")
    if changed:
        raise RunConflict(
            f"since this run began, something that decides its results has changed: {', '.join(changed)}",
            where=manifest.id,
            hint="Start a new run without --resume, or go on all the same with --accept-changes.",
        )
