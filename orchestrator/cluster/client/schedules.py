"""The schedules on a cluster: CronJobs, each of which makes a run a tick."""

from orchestrator.cluster.client.api import MERGE, Api
from orchestrator.cluster.client.places import all_of, path_of
from orchestrator.cluster.client.retrying import again
from orchestrator.cluster.client.runs import MINE
from orchestrator.cluster.objects import FIELD_MANAGER, JOB_LABEL, CronJob, decode
from orchestrator.errors import ClusterError, RunNotFound


def find_schedule(api: Api, name: str) -> CronJob | None:
    """The schedule of that name; None where there is none, or where we may not look."""
    try:
        return decode(api.get(path_of("CronJob", api.namespace, name)).body, CronJob)
    except RunNotFound, ClusterError:
        return None


def list_schedules(api: Api, job: str | None = None) -> list[CronJob]:
    """The schedules in the namespace, by name, or that of one job; none where we may not look."""
    selector = MINE + (f",{JOB_LABEL}={job}" if job else "")
    try:
        raw, _ = api.list(all_of("CronJob", api.namespace), {"labelSelector": selector})
    except ClusterError:
        return []
    return sorted((decode(each, CronJob) for each in raw), key=lambda each: each.metadata.name)


def suspend_schedule(api: Api, name: str, suspended: bool) -> None:
    """Have a schedule make no runs any more, or go on; runs that are under way go on.

    Raises:
        ClusterError: no permission.
        Overtaken: somebody else changed it each time that we tried.
    """
    path = path_of("CronJob", api.namespace, name)
    change = {"spec": {"suspend": suspended}}
    again(lambda: api.patch(path, {"fieldManager": FIELD_MANAGER}, change, MERGE))


def cancel_schedule(api: Api, name: str) -> None:
    """Delete a schedule, and with it its runs' Jobs; what their pods committed stays in the store."""
    api.delete(path_of("CronJob", api.namespace, name), {"propagationPolicy": "Background"})
