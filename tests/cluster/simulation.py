"""An Indexed Job as it goes, event by event, to hold the forecast to: items with costs of their own, threads that pull
chunks, pods that start late and unevenly, a controller that makes one pod after the other.

It knows nothing of the forecast's formulas: there is no mean in it, no deviation and no bound.
"""

import heapq
import itertools
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
            if meters is not None:
                meters[thread].note(origin + at, size, took)
            did[thread], done[thread], spent[thread] = size, done[thread] + size, spent[thread] + took
            at += size
            heapq.heappush(free, (now + took, thread))
        return sorted(end for end, _ in free)


@dataclass
class Cluster:
    """A Job on a cluster; `run` gives the seconds from its start to the published output.

    Attributes:
        costs: of every item, in the input's order; one thread's seconds.
        starts: gives the seconds that the next pod takes to start.
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
    events: list = field(default_factory=list)

    def run(self):
        self.serial = itertools.count()
        self.waiting, self.planner, self.planned = [], None, False
        self.next, self.active, self.settled, self.held = 0, 0, 0, 0.0
        self.controller_free, self.busy_controller = 0.0, False
        self._at(0.0, self._reconcile)
        now = 0.0
        while self.events:
            now, _, what = heapq.heappop(self.events)
            what(now)
        return now

    def _at(self, when, what):
        heapq.heappush(self.events, (when, next(self.serial), what))

    def _reconcile(self, now):
        """The controller makes one pod, if there is one to make, and looks again when it may make the next."""
        if self.next == self.shards or self.active == self.nodes:
            return
        if now < self.controller_free:
            if not self.busy_controller:
                self.busy_controller = True
                self._at(self.controller_free, self._again)
            return
        index, self.next, self.active = self.next, self.next + 1, self.active + 1
        self.controller_free = now + self.gap
        self._at(now + self.starts() + self.setup, lambda then: self._joined(then, index))
        self._reconcile(now)

    def _again(self, now):
        self.busy_controller = False
        self._reconcile(now)

    def _joined(self, now, index):
        """A pod is ready: the first one plans, those that come before the plan is there wait for it."""
        if self.planned:
            self._work(now, index)
            return
        self.waiting.append(index)
        if self.planner is None:
            self.planner = index
            self._at(now + self.planning, self._plan_is_there)

    def _plan_is_there(self, now):
        self.planned = True
        for index in self.waiting:
            self._work(now, index)

    def _work(self, now, index):
        size = len(self.costs)
        mine = self.costs[size * index // self.shards : size * (index + 1) // self.shards]
        self._at(now + self.node.work(mine)[-1], self._ended)

    def _ended(self, now):
        self.settled += 1
        self.active -= 1
        if self.settled == self.shards:
            self._at(now + self.publishing, lambda _: None)
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
