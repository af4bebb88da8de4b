"""Follow a run to its end: each change is shown, what each pod left behind is kept, and the verdict returned."""

import time
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from orchestrator.cluster.client import feed
from orchestrator.cluster.client.api import Api
from orchestrator.cluster.client.feed import Feed
from orchestrator.cluster.client.keeping import Kept
from orchestrator.cluster.client.places import all_of
from orchestrator.cluster.client.runs import pods_of, troubles
from orchestrator.cluster.objects import JOB_NAME, BatchJob, Pod, decode
from orchestrator.cluster.watching import JobWatch, PodEnd, Verdict
from orchestrator.errors import FtorchError

_TICK = 0.25
_NO_POD = 10.0
_OPENING = 15.0
_LAST_NEWS = 2.0
_HAS_A_LOG = frozenset({"Running", "Succeeded", "Failed"})


class Viewer(Protocol):
    """Shows how a run is; see :mod:`orchestrator.cluster.progress`."""

    def show(self, watch: JobWatch, index: int | None) -> None:
        """Something changed: a shard, or the Job."""

    def tick(self, watch: JobWatch, now: float) -> None:
        """Some time passed; now in seconds since 1970."""

    def note(self, text: str) -> None:
        """Something that is not in the Job's state: a cut watch, a pod that cannot be made."""

    def ended(self) -> None:
        """Nothing more is to be shown."""


class Follower(Struct):
    """What following a run needs.

    Attributes:
        api: the cluster.
        run: its name.
        kept: where what pods left behind is kept.
        viewer: shows it.
        on_pod: told of each pod that is or was at work, by name and index; for its logs.
    """

    api: Api
    run: str
    kept: Kept
    viewer: Viewer
    on_pod: Callable[[str, int], None] | None = None


def open_feed(api: Api, run: str, *, there: bool) -> Feed:
    """Begin to watch a run's Job and pods.

    Args:
        api: the cluster.
        run: its name.
        there: whether the Job exists already.

    Raises:
        ClusterError: no permission to watch jobs or pods, told here and now.
    """
    news = Feed(api)
    space = api.namespace
    news.watch("job", all_of("Job", space), {"fieldSelector": f"metadata.name={run}"}, listed=there)
    news.watch("pod", all_of("Pod", space), {"labelSelector": f"{JOB_NAME}={run}"}, listed=there)
    if there:
        return news
    waiting = {"job", "pod"}
    until = time.monotonic() + _OPENING
    try:
        while waiting and time.monotonic() < until:
            told = news.next(_TICK)
            if isinstance(told, feed.Opened):
                waiting.discard(told.kind)
    except BaseException:
        news.close()
        raise
    return news


def follow(follower: Follower, news: Feed, watch: JobWatch) -> Verdict:
    """Follow a run until it is over, and have `watch` know all of it.

    Raises:
        FtorchError: its watches cannot go on.
        KeyboardInterrupt: the user has seen enough; the run goes on.
    """
    quiet = time.monotonic()
    asked = False
    try:
        while True:
            told = news.next(_TICK)
            if told is not None:
                take(follower, watch, told)
            verdict = watch.verdict()
            if verdict.over:
                _last_look(follower, news, watch)
                return watch.verdict()
            follower.viewer.tick(watch, time.time())
            if watch.pods or verdict.state == "suspended":
                quiet = time.monotonic()
            elif not asked and time.monotonic() - quiet > _NO_POD:
                asked = True
                _why_no_pods(follower)
    finally:
        news.close()
        follower.viewer.ended()


def take(follower: Follower, watch: JobWatch, told: feed.News) -> None:
    """Take notice of one piece of news."""
    match told:
        case feed.Changed(kind="job", object=raw):
            watch.see_job(decode(raw, BatchJob))
            follower.viewer.show(watch, None)
        case feed.Changed(kind="pod", object=raw):
            pod = decode(raw, Pod)
            _pod(follower, watch, pod, watch.see_pod(pod))
        case feed.Deleted(kind="job"):
            watch.see_job_gone()
            follower.viewer.show(watch, None)
        case feed.Deleted(kind="pod", object=raw):
            pod = decode(raw, Pod)
            _pod(follower, watch, pod, watch.see_pod_gone(pod))
        case feed.Listed(kind="job", objects=objects):
            watch.see_job(decode(objects[0], BatchJob)) if objects else watch.see_job_gone()
            follower.viewer.show(watch, None)
        case feed.Listed(kind="pod", objects=objects):
            for end in watch.see_pods(_noticed(follower, decode(raw, Pod)) for raw in objects):
                _keep(follower, end)
        case feed.Cut(reason=reason):
            follower.viewer.note(f"the watch was cut, and is taken up again: {reason}")


def _pod(follower: Follower, watch: JobWatch, pod: Pod, end: PodEnd | None) -> None:
    if end is not None:
        _keep(follower, end)
    follower.viewer.show(watch, watch.index_of(_noticed(follower, pod)))


def _noticed(follower: Follower, pod: Pod) -> Pod:
    """The pod, once its log is followed, if it can have one and that is wanted."""
    if follower.on_pod is not None and pod.status.phase in _HAS_A_LOG:
        follower.on_pod(pod.metadata.name, JobWatch.index_of(pod))
    return pod


def _keep(follower: Follower, end: PodEnd) -> None:
    try:
        follower.kept.add(end)
    except OSError as error:
        follower.viewer.note(f"what pod {end.pod} left behind cannot be kept: {error}")


def _last_look(follower: Follower, news: Feed, watch: JobWatch) -> None:
    """The Job's end may be told before that of its last pods; which are there until the Job's time to live is over."""
    until = time.monotonic() + (_LAST_NEWS if watch.verdict().state == "done" else 0.0)
    try:
        while not watch.all_told and time.monotonic() < until:
            told = news.next(_TICK)
            if told is not None:
                take(follower, watch, told)
        if watch.all_told:
            return
        ends = watch.see_pods(pods_of(follower.api, follower.run))
    except FtorchError as error:
        follower.viewer.note(f"the last pods could not be looked at: {error.message}")
        return
    for end in ends:
        _keep(follower, end)


def _why_no_pods(follower: Follower) -> None:
    try:
        told = troubles(follower.api, follower.run)
    except FtorchError:
        return
    for text in told:
        follower.viewer.note(f"no pod yet: {text}")
