"""The runs on a cluster, found by their labels; looked at, stopped for a while, and ended."""

from typing import Any

import msgspec

from orchestrator.cluster.client.api import MERGE, Api
from orchestrator.cluster.client.places import all_of, path_of
from orchestrator.cluster.client.retrying import again
from orchestrator.cluster.objects import FIELD_MANAGER, JOB_LABEL, JOB_NAME, MANAGED_BY, BatchJob, Pod, decode
from orchestrator.cluster.watching import JobWatch, PodEnd
from orchestrator.errors import RunNotFound

MINE = f"{MANAGED_BY}={FIELD_MANAGER}"


def list_jobs(api: Api, job: str | None = None) -> list[BatchJob]:
    """The runs in the namespace, the oldest first.

    Args:
        api: the cluster.
        job: only those of the job of that name.
    """
    selector = MINE + (f",{JOB_LABEL}={job}" if job else "")
    raw, _ = api.list(all_of("Job", api.namespace), {"labelSelector": selector})
    return sorted((decode(each, BatchJob) for each in raw), key=_created)


def find_job(api: Api, name: str | None, job: str | None = None) -> BatchJob:
    """One run.

    Args:
        api: the cluster.
        name: its name, or that of a job for its newest run; None for the newest of all.
        job: of which job, where no name is given.

    Raises:
        RunNotFound: there is none.
    """
    if name is not None:
        try:
            return decode(api.get(path_of("Job", api.namespace, name)).body, BatchJob)
        except RunNotFound:
            pass
    found = list_jobs(api, name or job)
    if found:
        return found[-1]
    what = repr(name or job) if name or job else "any job"
    raise RunNotFound(
        f"there is no run of {what} in namespace {api.namespace!r}",
        where=api.server,
        hint="`ftorch runs --on kubernetes` lists them; --context and --namespace say where to look.",
    )


def pods_of(api: Api, run: str) -> list[Pod]:
    """The pods of a run that are still there."""
    raw, _ = api.list(all_of("Pod", api.namespace), {"labelSelector": f"{JOB_NAME}={run}"})
    return [decode(each, Pod) for each in raw]


def look(api: Api, job: BatchJob) -> tuple[JobWatch, list[PodEnd]]:
    """How a run is now, and what those of its pods that ended have left behind."""
    watch = JobWatch()
    watch.see_job(job)
    return watch, watch.see_pods(pods_of(api, job.metadata.name))


def suspend(api: Api, run: str, suspended: bool) -> None:
    """Have a run stop its pods, which commit what they have done, or go on.

    Raises:
        RunNotFound: there is none.
        ClusterError: no permission.
        ClusterRefused: somebody else changed it each time that we tried.
    """
    again(lambda: _patch(api, run, {"spec": {"suspend": suspended}}))


def cancel(api: Api, run: str) -> None:
    """Delete a run's Job, and with it all that it owns; what its pods committed stays in its store."""
    api.delete(path_of("Job", api.namespace, run), {"propagationPolicy": "Background"})


def troubles(api: Api, run: str) -> list[str]:
    """Why the Job controller could not make pods, by its own events; nothing where we may not read them."""
    query = {"fieldSelector": f"involvedObject.name={run},type=Warning"}
    raw, _ = api.list(all_of("Event", api.namespace), query)
    events: list[dict[str, Any]] = [msgspec.json.decode(each) for each in raw]
    return list(dict.fromkeys(str(event.get("message", "")) for event in events if event.get("message")))


def _patch(api: Api, run: str, change: dict[str, Any]) -> None:
    api.patch(path_of("Job", api.namespace, run), {"fieldManager": FIELD_MANAGER}, change, MERGE)


def _created(job: BatchJob) -> tuple[float, str]:
    moment = job.metadata.creation_timestamp
    return (moment.timestamp() if moment else 0.0, job.metadata.name)
