"""`ftorch submit --on kubernetes`: check, then apply; whatever can refuse comes before anything is created."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from orchestrator.cluster.client.api import Api
from orchestrator.cluster.client.applying import apply, try_out, version_of
from orchestrator.cluster.client.feed import Feed
from orchestrator.cluster.client.following import open_feed
from orchestrator.cluster.manifests.target import Manifest, Version

type Build = Callable[[Version], Sequence[Manifest]]


class Submitted(Struct):
    """What is on the cluster now.

    Attributes:
        name: of the Job or CronJob.
        kind: which of the two.
        warnings: what the API server had to say.
        news: the watches of a Job, open since before it was there; None where nobody waits.
    """

    name: str
    kind: str
    warnings: list[str]
    news: Feed | None


def submit(api: Api, build: Build, *, watched: bool) -> Submitted:
    """Put a job on the cluster, in five requests, or fewer without a ConfigMap.

    Args:
        api: the cluster.
        build: the objects for a server of that version.
        watched: whether somebody wants to follow it; the watches are opened first, as they may be refused, too.

    Raises:
        JobError: the job cannot go to a cluster, or this one refuses it; nothing was created.
        ClusterError: the cluster cannot be used.
        RunConflict: there is a Job of that name.
    """
    manifests = build(version_of(api))
    owner = next(manifest for manifest in manifests if manifest["kind"] in {"Job", "CronJob"})
    name, kind = owner["metadata"]["name"], owner["kind"]
    news = open_feed(api, name, there=False) if watched and kind == "Job" else None
    try:
        warnings = try_out(api, manifests)
        apply(api, manifests)
    except BaseException:
        if news is not None:
            news.close()
        raise
    return Submitted(name, kind, warnings, news)
