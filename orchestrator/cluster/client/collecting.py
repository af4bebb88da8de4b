"""Have a run's output put together on the cluster, by one pod made as the run's own are.

So it works from any machine: the pod has the volume, or the bucket's credentials, that this machine may lack. Its Job
is owned by the run's, and is deleted with it.
"""

from collections.abc import Callable
from contextlib import suppress

import msgspec

from orchestrator.cluster.client.api import Api
from orchestrator.cluster.client.applying import apply
from orchestrator.cluster.client.feed import Feed
from orchestrator.cluster.client.logs import read_log
from orchestrator.cluster.client.places import all_of, path_of
from orchestrator.cluster.client.runs import pods_of
from orchestrator.cluster.manifests.owner import owned_by
from orchestrator.cluster.manifests.target import Manifest
from orchestrator.cluster.objects import JOB_NAME
from orchestrator.cluster.pods import CONTAINER, seen
from orchestrator.cluster.watching import Verdict
from orchestrator.errors import RunNotFound

_SUFFIX = "-collect"
_RUN_LABEL = "ftorch.dev/run"
_SECONDS = 3600

type Follow = Callable[[str, Feed], Verdict]


def collector(run: Manifest) -> Manifest:
    """The Job that puts a run's output together, made from the run's own as the server has it; pure."""
    name = run["metadata"]["name"]
    pod = run["spec"]["template"]["spec"]
    containers = [_collecting(each, name) if each["name"] == CONTAINER else each for each in pod["containers"]]
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"{name[: 63 - len(_SUFFIX)]}{_SUFFIX}", "labels": {_RUN_LABEL: name}},
        "spec": {
            "backoffLimit": 2,
            "ttlSecondsAfterFinished": _SECONDS,
            "template": {"metadata": {"labels": {_RUN_LABEL: name}}, "spec": {**pod, "containers": containers}},
        },
    }
    return owned_by(job, {"apiVersion": "batch/v1", "kind": "Job", **run})


def collect(api: Api, run: str, follow: Follow, write: Callable[[str], None]) -> Verdict:
    """Put a run's output together, wait for it, and write what the pod said.

    Args:
        api: the cluster.
        run: its name.
        follow: waits for a Job's end, given its name and watches.
        write: takes the pod's lines.

    Raises:
        RunNotFound: there is no such run.
        ClusterRefused, ClusterError: the API server refuses.
    """
    job = collector(msgspec.json.decode(api.get(path_of("Job", api.namespace, run)).body))
    name = job["metadata"]["name"]
    with suppress(RunNotFound):
        api.delete(path_of("Job", api.namespace, name), {"propagationPolicy": "Background"})
    apply(api, [job])
    news = Feed(api)
    news.watch("job", all_of("Job", api.namespace), {"fieldSelector": f"metadata.name={name}"})
    news.watch("pod", all_of("Pod", api.namespace), {"labelSelector": f"{JOB_NAME}={name}"})
    verdict = follow(name, news)
    for pod in pods_of(api, name)[-1:]:
        read_log(api, pod.metadata.name, seen(pod).index, write, {})
    return verdict


def _collecting(container: Manifest, run: str) -> Manifest:
    return {**container, "args": ["collect", f"$(FTORCH_STORE)/{run}"]}
