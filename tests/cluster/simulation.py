"""An Indexed Job as it goes, event by event, to hold the forecast to: items with costs of their own, threads that pull
chunks and commit once a second, pods that start late and unevenly or are evicted, a controller that makes one pod after
the other and those of lost indexes again after its back-off.

It knows nothing of the forecast's formulas: there is no mean in it, no deviation and no bound.
"""

import heapq
import itertools
import math
import random
from dataclasses import dataclass, field

from orchestrator.measure.costs import CostMeter


@dataclass(frozen=True)
class Node:
    """A node: its threads, and how many times one thread's time an item takes when all of them work."""

    threads: int
    slower: float = 1.0
    chunk_seconds: float = 0.025

    def work(self, costs, origin=0, meters=None):
        """Do items of these costs; when each thread is idle for good. Chunks are told to the meters, if given."""
        ends = [0.0] * self.threads
        for thread, at, size, took, end in self.chunks(costs):
            if meters is not None:
                meters[thread].note(origin + at, size, took)
            ends[thread] = end
        return sorted(ends)

    def left(self, costs, seconds):
        """The items of these that are not committed when the node is taken away after so many seconds."""
        left = list(costs)
        for _, at, size, _, end in self.chunks(costs):
            if end <= math.floor(seconds):
                left[at : at + size] = [None] * size
        return [cost for cost in left if cost is not None]

    def chunks(self, costs):
        """Which thread does which items of these costs: the first, how many, how long that takes, when it ends."""
        free = [(0.0, thread) for thread in range(self.threads)]
        at, did, spent = 0, [1 / 8] * self.threads, [0.0] * self.threads
        done = [0] * self.threads
        while at < len(costs):
            now, thread = heapq.heappop(free)
            fair = max(1, (len(costs) - at) // (2 * self.threads))
            apt = self.chunk_seconds * done[thread] / spent[thread] if spent[thread] else 1
            size = max(1, int(min(fair, apt, 8 * did[thread])))
            took = sum(costs[at : at + size]) * self.slower
            size = min(size, len(costs) - at)
            yield thread, at, size, took, now + took
            did[thread], done[thread], spent[thread] = size, done[thread] + size, spent[thread] + took
            at += size
            heapq.heappush(free, (now + took, thread))


@dataclass(eq=False)
class Pod:
    """A pod of an index; since when it works, and whether it is there still."""

    index: int
    since: float | None = None
    there: bool = True


@dataclass
class Cluster:
    """A Job on a cluster; `run` gives the seconds from its start to the published output.

    Attributes:
        costs: of every item, in the input's order; one thread's seconds.
        starts: gives the seconds that the next pod takes to start.
        lives: gives the seconds after which the next pod is evicted, if it is there still.
    """

    costs: list[float]
    shards: int
    nodes: int
    node: Node
    starts: object
    setup: float = 0.0
    planning: float = 0.0
    publishing: float = 0.0
    gap: float = 0.1
    lives: object = lambda: math.inf
    events: list = field(default_factory=list)

    def run(self):
        self.serial = itertools.count()
        self.waiting, self.planner, self.planned = [], None, False
        self.next, self.active, self.settled, self.finished = 0, 0, set(), None
        self.lost, self.taken, self.undone = [], [0] * self.shards, {}
        self.controller_free, self.busy_controller = 0.0, False
        self._at(0.0, self._reconcile)
        while self.finished is None:
            now, _, what = heapq.heappop(self.events)
            what(now)
        return self.finished

    @property
    def evictions(self):
        """How many pods were evicted."""
        return sum(self.taken)

    def _at(self, when, what):
        heapq.heappush(self.events, (when, next(self.serial), what))

    def _reconcile(self, now):
        """The controller makes one pod, if there is one to make, and looks again when it may make the next."""
        if not self.lost and (self.next == self.shards or self.active == self.nodes):
            return
        if now < self.controller_free:
            if not self.busy_controller:
                self.busy_controller = True
                self._at(self.controller_free, self._again)
            return
        if self.lost:
            pod = Pod(self.lost.pop(0))
        else:
            pod, self.next, self.active = Pod(self.next), self.next + 1, self.active + 1
        self.controller_free = now + self.gap
        self._at(now + self.starts() + self.setup, lambda then: self._joined(then, pod))
        until = now + self.lives()
        if until < math.inf:
            self._at(until, lambda then: self._evicted(then, pod))
        self._reconcile(now)

    def _again(self, now):
        self.busy_controller = False
        self._reconcile(now)

    def _joined(self, now, pod):
        """A pod is ready: the first one plans, those that come before the plan is there wait for it."""
        if not pod.there:
            return
        if self.planned:
            self._work(now, pod)
            return
        self.waiting.append(pod)
        self._plan(now)

    def _plan(self, now):
        if self.planner is None and self.waiting and not self.planned:
            planner = self.planner = self.waiting[0]
            self._at(now + self.planning, lambda then: self._plan_is_there(then, planner))

    def _plan_is_there(self, now, planner):
        if not planner.there:
            return
        self.planned, waiting, self.waiting = True, self.waiting, []
        for pod in waiting:
            self._work(now, pod)

    def _work(self, now, pod):
        if len(self.settled) == self.shards:
            self._publish(now, pod)
            return
        size, index = len(self.costs), pod.index
        mine = self.undone.get(index)
        if mine is None:
            mine = self.costs[size * index // self.shards : size * (index + 1) // self.shards]
        self.undone[index], pod.since = mine, now
        self._at(now + self.node.work(mine)[-1], lambda then: self._ended(then, pod))

    def _ended(self, now, pod):
        if not pod.there:
            return
        self.settled.add(pod.index)
        del self.undone[pod.index]
        if len(self.settled) == self.shards:
            self._publish(now, pod)
            return
        pod.there = False
        self.active -= 1
        self._reconcile(now)

    def _publish(self, now, pod):
        pod.since = None
        self._at(now + self.publishing, lambda then: self._published(then, pod))

    def _published(self, now, pod):
        if pod.there:
            self.finished = now

    def _evicted(self, now, pod):
        """A pod is taken away; its index keeps its place among those at work until its next pod is made."""
        if not pod.there:
            return
        pod.there, index = False, pod.index
        self.taken[index] += 1
        if pod.since is not None:
            self.undone[index] = self.node.left(self.undone[index], now - pod.since)
        if pod in self.waiting:
            self.waiting.remove(pod)
        if pod is self.planner:
            self.planner = None
            self._plan(now)
        self._at(now + min(600, 10 * 2 ** (self.taken[index] - 1)), lambda then: self._remade(then, index))

    def _remade(self, now, index):
        self.lost.append(index)
        self._reconcile(now)


def draw(kind, count, mean, rng):
    """Costs of so many items; the skewed kinds have their dearest items a hundred to a thousand times the mean."""
    if kind == "constant":
        return [mean] * count
    if kind == "uniform":
        return [rng.uniform(0.0, 2 * mean) for _ in range(count)]
    if kind == "lognormal":
        return [mean * rng.lognormvariate(-0.5, 1.0) for _ in range(count)]
    if kind == "pareto":
        return [mean * rng.paretovariate(2.2) * 1.2 / 2.2 for _ in range(count)]
    if kind == "worst first":
        return sorted(draw("lognormal", count, mean, rng), reverse=True)
    if kind == "worst last":
        return sorted(draw("pareto", count, mean, rng))
    raise ValueError(kind)


def measure(node, costs):
    """One node does these items: when each thread ended, and a meter of each."""
    meters = [CostMeter() for _ in range(node.threads)]
    return node.work(costs, 0, meters), meters


def uneven_start(mean, rng):
    """A pod's start-up: seldom less than the mean, sometimes twice as long."""
    return lambda: mean * (0.75 + rng.expovariate(4.0))


def seeded(seed):
    """Chance that is the same each time."""
    return random.Random(seed)
