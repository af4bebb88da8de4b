"""What evictions take from shards: pods that the cluster takes away while they start or work; pure.

A pod is evicted at a constant rate of its life. What it had committed stays; its shard's next pod is made after the Job
controller's back-off, which counts evictions, too, though they count as no failures. Meanwhile nobody else gets its
place: the controller makes the pods of the lowest indexes first, and waits for those that are not to be made yet.
"""

import math
import statistics
from collections.abc import Sequence
from random import Random

from msgspec import Struct

from orchestrator.cluster.forecast.chance import SURE, TWO_SIDED, poisson_most
from orchestrator.cluster.forecast.makespan import Dealt
from orchestrator.cluster.forecast.terms import Terms
from orchestrator.cluster.shards import back_off

COMMIT_SECONDS = 1.0
"""How often a worker commits."""
HARDLY = 2.0
"""Evictions in the time that a pod takes to start, from which on it hardly ever gets to work (one in seven)."""
_FOLLOWED = 64
_LEAST_FOLLOWED = 8
_MOST_FOLLOWED = 500_000


class Struck(Struct, frozen=True):
    """Pods, with what evictions took of them.

    Attributes:
        pods: of each its first start-up, and all that came then.
        evictions: of all of them.
        lost: seconds that these cost each of the shards.
    """

    pods: Dealt
    evictions: float
    lost: Sequence[float]

    @property
    def each(self) -> float:
        """Seconds that an eviction costs, on average; 0 where there is none."""
        return math.fsum(self.lost) / self.evictions if self.evictions else 0.0

    @property
    def most(self) -> float:
        """Seconds that they may cost all of the shards (97.5 %)."""
        return math.fsum(self.lost) + TWO_SIDED * math.sqrt(len(self.lost)) * statistics.pstdev(self.lost)


class Evictions(Struct, frozen=True):
    """How a job's pods are evicted.

    Attributes:
        rate: in a second of a pod's life.
        ready: seconds from a pod's creation until it works.
        redone: seconds of work that were not committed, on average.
    """

    rate: float
    ready: float
    redone: float

    def expected(self, work: float) -> float:
        """How often a shard of so many seconds is evicted, on average.

        Each pod must live through its start, for which 1 / e^-rt have to be made; so must the first one and each that
        follows one that was taken from its work. What is lost of that is work for the next one.
        """
        taken = self.rate * work / max(0.1, 1 - self.rate * self.redone)
        return math.expm1(min(HARDLY, self.rate * self.ready)) * (1 + taken) + taken

    def cost(self, evictions: float) -> float:
        """Seconds that so many evictions of one shard cost at most, their starts and what is done again included."""
        whole = math.floor(evictions)
        waits = math.fsum(back_off(number) for number in range(1, min(whole, _FOLLOWED) + 1))
        waits += back_off(_FOLLOWED) * max(0, whole - _FOLLOWED) + (evictions - whole) * back_off(whole + 1)
        return waits + evictions * (self.ready + self.redone)

    def most(self, work: float, shards: int) -> float:
        """Seconds that they cost the unluckiest of so many shards (97.5 %).

        Those in start-ups come in rows, of which the length is geometric: that makes the variance of their number so
        much larger than Poisson's.
        """
        rows = 1 + 2 * math.expm1(min(HARDLY, self.rate * self.ready))
        return self.cost(rows * poisson_most(self.expected(work) / rows, SURE ** (1 / shards))) if self.rate else 0.0

    def again(self, seconds: float, others: bool) -> tuple[float, float]:
        """Seconds that evictions add to what has to be done at one go: on average, and at most (97.5 %).

        Args:
            seconds: that it takes.
            others: whether others wait that begin again at once.
        """
        if not self.rate or not seconds:
            return 0.0, 0.0
        between = 0.0 if others else back_off(1) + self.ready
        tries = math.expm1(min(self.rate * seconds, HARDLY))
        failing = tries / (1 + tries)
        most = max(0, math.ceil(math.log(1 - SURE) / math.log(failing)) - 1) * (seconds + between)
        mean = max(0.0, tries / self.rate - seconds) + tries * between
        return mean, max(mean, most)

    def strike(self, pods: Dealt, offset: float, rng: Random) -> Struck:
        """Have pods evicted: the first time of each by stretches of equal probability, further ones by chance.

        Args:
            pods: as they would go.
            offset: where in its stretch each of them is, 0 to 1.
            rng: gives the order, and the rest.
        """
        shards = len(pods.work)
        if not self.rate:
            return Struck(pods, 0.0, [0.0] * shards)
        order = [(number + offset) / shards for number in range(shards)]
        rng.shuffle(order)
        follow = max(_LEAST_FOLLOWED, min(_FOLLOWED, _MOST_FOLLOWED // shards))
        lost, evictions = [], 0.0
        for ready, needed, lot in zip(pods.ready, pods.work, order, strict=True):
            first = -math.log1p(-lot) / self.rate
            seconds, often = self._lived(needed, (ready, first), pods.ready, (follow, rng))
            lost.append(seconds)
            evictions += often
        work = [needed + seconds for needed, seconds in zip(pods.work, lost, strict=True)]
        return Struck(Dealt(pods.ready, work), evictions, lost)

    def _lived(
        self, needed: float, life: tuple[float, float], starts: Sequence[float], more: tuple[int, Random]
    ) -> tuple[float, float]:
        """Seconds that evictions cost a shard, and how many there were."""
        (ready, until), (follow, rng) = life, more
        left, spent, often, first = needed, 0.0, 0, ready
        while until < ready + left:
            often += 1
            left -= max(0.0, until - ready - self.redone)
            spent += until + back_off(often)
            if often == follow:
                further = self.expected(left)
                each = back_off(often + 1) + self.ready + self.redone
                return spent + ready + left - first - needed + further * each, often + further
            ready, until = rng.choice(starts), rng.expovariate(self.rate)
        return (spent + ready + left - first - needed if often else 0.0), often


def evictions_of(terms: Terms, rate: float) -> Evictions:
    """How the pods of a job are evicted at that rate (a second of a pod's life).

    Of what its threads do, the items at hand are lost: on average each is E[x²] / 2 E[x] old (renewal theory); and what
    was done since the last commit.
    """
    item = terms.item_seconds * (1 + terms.item_variation**2) / 2
    return Evictions(rate, terms.start + terms.setup, COMMIT_SECONDS / 2 + min(item, max(terms.longest, terms.rarest)))


def fewest(evictions: float) -> float:
    """How few there may be where so many are expected (2.5 %)."""
    return max(0.0, evictions - TWO_SIDED * math.sqrt(evictions))
