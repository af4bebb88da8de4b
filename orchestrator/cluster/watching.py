"""From what a cluster tells of a Job and its pods to the state of each shard, and of the whole; pure.

A :class:`JobWatch` is fed with Jobs and pods in the order in which a watch delivers them, each as often as it likes. It
asks no clock and does no I/O: the same objects give the same states.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from orchestrator.cluster.objects import INDEX, BatchJob, Condition, Pod
from orchestrator.cluster.pods import PodEnd, Seen, ended, seen
from orchestrator.cluster.ranges import Ranges, parse_ranges
from orchestrator.cluster.shards import Shard, shard_of
from orchestrator.cluster.verdict import Verdict, judge

__all__ = ["JobWatch", "PodEnd", "Shard", "Verdict"]

_OVER = ("Complete", "Failed")


class Tally(Struct, frozen=True):
    """How many shards are in which state.

    Attributes:
        total: all of them.
        states: of each state that any is in, how many are.
        retries: pods that failed and were made again.
        evicted: pods that the cluster took away.
    """

    total: int
    states: dict[str, int]
    retries: int
    evicted: int


class JobWatch:
    """One Job as it is known now."""

    def __init__(self) -> None:
        self.job: BatchJob | None = None
        self.gone = False
        self._completed = Ranges()
        self._failed = Ranges()
        self._latest: dict[int, Seen] = {}
        self._outdated: set[str] = set()
        self._told: set[str] = set()
        self._retries = 0
        self._evicted = 0

    def see_job(self, job: BatchJob) -> None:
        """Take notice of the Job as it is now."""
        self.job = job
        self.gone = False
        self._completed = parse_ranges(job.status.completed_indexes)
        self._failed = parse_ranges(job.status.failed_indexes)

    def see_job_gone(self) -> None:
        """Take notice that the Job was deleted."""
        self.gone = True

    def see_pod(self, pod: Pod) -> PodEnd | None:
        """Take notice of a pod as it is now; what it left behind, the first time that it is known to have ended."""
        now = seen(pod)
        if now.uid not in self._outdated:
            before = self._latest.get(now.index)
            if before is not None and before.uid != now.uid:
                older, newer = (before, now) if now.order >= before.order else (now, before)
                self._outdated.add(older.uid)
                self._latest[now.index] = newer
            else:
                self._latest[now.index] = now
        return self._end(pod, now)

    def see_pod_gone(self, pod: Pod) -> PodEnd | None:
        """Take notice that a pod is no more; what it left behind, if that is news."""
        end = self.see_pod(pod)
        self._forget(self.index_of(pod), pod.metadata.uid)
        return end

    def see_pods(self, pods: Iterable[Pod]) -> list[PodEnd]:
        """Take notice of all the pods that there are; those that are not among them are no more."""
        there = set()
        ends = []
        for pod in pods:
            there.add(pod.metadata.uid)
            end = self.see_pod(pod)
            if end is not None:
                ends.append(end)
        for index, known in list(self._latest.items()):
            if known.uid not in there:
                self._forget(index, known.uid)
        return ends

    def shard(self, index: int) -> Shard:
        """How one shard is."""
        shard = shard_of(index, self._latest.get(index), index in self._completed, index in self._failed)
        return shard.under(self._job_state)

    def shards(self) -> list[Shard]:
        """How each shard is, in order."""
        return [self.shard(index) for index in range(self.total)]

    @property
    def total(self) -> int:
        """How many shards there are."""
        return 0 if self.job is None else self.job.spec.completions or 1

    def tally(self) -> Tally:
        """How many shards are in which state."""
        states: Counter[str] = Counter(shard.state for shard in self.shards())
        return Tally(self.total, dict(states), self._retries, self._evicted)

    def verdict(self) -> Verdict:
        """How the whole is, and the exit code once it is over."""
        over = self._condition()
        failing = [] if over is None else [self.shard(index) for index in self._failing()]
        return judge(self.job, self.gone, over, failing)

    @property
    def pods(self) -> int:
        """How many pods are known."""
        return len(self._latest)

    @property
    def all_told(self) -> bool:
        """Whether as many pods were seen to end as the Job counts, one of each shard: none is left to ask for."""
        counted = 0 if self.job is None else self.job.status.succeeded + self.job.status.failed
        seen_all = len(self._latest) == self.total and len(self._told) >= counted
        return seen_all and all(pod.over for pod in self._latest.values())

    @staticmethod
    def index_of(pod: Pod) -> int:
        """The shard that a pod works on; 0 where the Job has no indexes."""
        return int(pod.metadata.annotations.get(INDEX, "0"))

    @property
    def started(self) -> datetime | None:
        """When the Job began."""
        return None if self.job is None else self.job.status.start_time or self.job.metadata.creation_timestamp

    @property
    def _job_state(self) -> str:
        if self.gone or self._condition() is not None:
            return "stopped"
        return "suspended" if self.job is not None and self.job.spec.suspend else ""

    def _failing(self) -> list[int]:
        broken = {index for index, pod in self._latest.items() if pod.failed and index not in self._completed}
        return sorted(broken.union(self._failed))

    def _condition(self) -> Condition | None:
        if self.job is None:
            return None
        return next((c for c in self.job.status.conditions if c.type in _OVER and c.status == "True"), None)

    def _end(self, pod: Pod, now: Seen) -> PodEnd | None:
        if not now.over or now.uid in self._told:
            return None
        self._told.add(now.uid)
        self._evicted += now.evicted
        self._retries += now.failed and not now.evicted
        return ended(pod, now)

    def _forget(self, index: int, uid: str) -> None:
        known = self._latest.get(index)
        if known is not None and known.uid == uid and not known.over:
            self._latest[index] = known.lost()
        self._outdated.discard(uid)
