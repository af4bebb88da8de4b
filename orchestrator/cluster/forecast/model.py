"""What a job takes on so many nodes: from measured terms to seconds and CPU-hours; pure, in bounded memory.

A pod takes its start-up, its set-up and its shard's work. Shards differ as the measured stretches of the input do, and
by chance, and some of their pods are evicted; a typical sample of all that is dealt to the nodes as an Indexed Job does
it. What planning and publishing take comes before and after. At best nobody waits for anybody; at worst it is what list
scheduling can come to (Graham's bound) with the longest shard and the longest item that chance may bring.
"""

import math
import statistics
from random import Random

from msgspec import Struct, structs

from orchestrator.cluster.forecast.chance import SURE, TWO_SIDED, factor, poisson_most, sample, sure_largest
from orchestrator.cluster.forecast.evicted import evictions_of, fewest
from orchestrator.cluster.forecast.makespan import Dealt, graham, makespan
from orchestrator.cluster.forecast.shard import Ending, ending_of, shares, work_of
from orchestrator.cluster.forecast.terms import Row, Terms

_HOUR = 3600.0
_SAMPLED = 2000
_MOST_SAMPLES = 8
_SEED = 1969


class Shards(Struct, frozen=True):
    """The shards of a job at a rate of its nodes, in seconds.

    Attributes:
        work: of each.
        ending: how each ends.
        variation: by chance, of a shard's work over its mean.
        longest: of the input's longest item.
        dearest: which shard has it; -1 for any.
    """

    work: list[float]
    ending: Ending
    variation: float
    longest: float
    dearest: int = -1

    @property
    def mean(self) -> float:
        """Of a shard's work, its ending included."""
        return math.fsum(self.work) / len(self.work) + self.ending.mean

    @property
    def deviation(self) -> float:
        """Of that, by chance."""
        return math.hypot(self.variation * (self.mean - self.ending.mean), self.ending.deviation)

    def up(self, deviations: float) -> float:
        """What the longest may take, so many deviations up."""
        work = max(self.work) * max(1.0, factor(self.variation, deviations))
        ending = self.ending.mean * factor(self.ending.variation, deviations)
        return work + max(self.ending.most, min(ending, self.longest))


class Pods:
    """The pods of a job that is cut into so many shards, on any number of nodes."""

    def __init__(self, terms: Terms, shards: int) -> None:
        self.count = shards
        self._terms = terms
        self._uneven = terms.start_deviation / terms.start if terms.start else 0.0
        self._likely = _shards(terms, shards)
        self._slow = _shards(_at_worst(terms), shards)
        self._quick = _shards(_at_best(terms), shards)
        rng = Random(_SEED)
        samples = max(1, min(_MOST_SAMPLES, _SAMPLED // shards))
        dealt = [self._sample(rng, self._likely) for _ in range(samples)]
        unlucky = self._sample(rng, self._slow)
        self._usual, self._often = (evictions_of(terms, rate) for rate in (terms.evictions.value, terms.evictions.high))
        self._samples = [self._usual.strike(pods, (at + 0.5) / samples, rng) for at, pods in enumerate(dealt)]
        self._unlucky = self._often.strike(unlucky, 0.5, rng)

    def on(self, nodes: int) -> Row:
        """What the job takes on so many nodes (at least 1)."""
        terms, used = self._terms, min(nodes, self.count)
        gap = 1 / terms.pods_a_second
        dealt = statistics.fmean(makespan(each.pods, used, gap, terms.planning) for each in self._samples)
        low, high = min(dealt, self._best(used)), max(dealt, self._worst(used))
        after = terms.publishing + (terms.reading * self.count if self.count > 1 else 0.0)
        again, again_at_most = self._again(used, after)
        seconds, working = dealt + after + again, terms.amount / terms.rate.value
        return Row(
            nodes=nodes,
            shards=self.count,
            seconds=seconds,
            low=low + after,
            high=high + after + again_at_most,
            cpu_hours=nodes * terms.cpus * seconds / _HOUR,
            busy=min(1.0, working / (nodes * seconds)) if working else 0.0,
            evictions=self.count * self._usual.expected(self._likely.mean),
        )

    def _again(self, nodes: int, after: float) -> tuple[float, float]:
        """Seconds for planning and publishing that an eviction makes anew: others that wait plan at once."""
        terms, usual, often = self._terms, self._usual, self._often
        mean = usual.again(terms.planning, nodes > 1)[0] + usual.again(after, others=False)[0]
        return mean, max(mean, often.again(terms.planning, nodes > 1)[1] + often.again(after, others=False)[1])

    def _sample(self, rng: Random, shards: Shards) -> Dealt:
        """What each pod takes, typically."""
        terms = self._terms
        starts = sample(self._uneven, self.count, rng)
        works = sample(shards.variation, self.count, rng)
        endings = sample(shards.ending.variation, self.count, rng)
        work = [
            mean * some + min(shards.ending.mean * end, shards.longest) if mean else 0.0
            for mean, some, end in zip(shards.work, works, endings, strict=True)
        ]
        # The input's longest item is where the input is dearest, or anywhere; and anywhere in that shard.
        at = shards.dearest if shards.dearest >= 0 else rng.randrange(self.count)
        work[at] = max(work[at], math.fsum(shards.work) / self.count / 2 + shards.longest)
        return Dealt([terms.start * start + terms.setup for start in starts], work)

    def _best(self, nodes: int) -> float:
        """Nobody waits for anybody but for the plan, and chance is kind."""
        terms, shards, each = self._terms, self._quick, math.sqrt(self.count)
        work = shards.mean * factor(shards.variation / each, -TWO_SIDED)
        start = terms.start * factor(self._uneven / each, -TWO_SIDED) - terms.start_unsure
        seldom = evictions_of(terms, terms.evictions.low)
        lost = fewest(seldom.expected(work) * self.count) * min(seldom.cost(1), self._samples[0].each) / self.count
        return terms.planning + (terms.setup + work + max(0.0, start) + lost) * max(1.0, self.count / nodes)

    def _worst(self, nodes: int) -> float:
        """As late as list scheduling can be, with the longest item met last, and chance unkind."""
        terms, shards, each = self._terms, self._slow, math.sqrt(self.count)
        chance = shards.deviation / shards.mean if shards.mean else 0.0
        usual = shards.mean - shards.ending.mean + shards.ending.most
        start = terms.start * factor(self._uneven / each, TWO_SIDED) + terms.start_unsure
        total = (usual * factor(chance / each, TWO_SIDED) + start + terms.setup) * self.count
        up = sure_largest(self.count)
        starts = terms.start * max(1.0, factor(self._uneven, up)) + terms.start_unsure
        longest = max(shards.up(up), shards.mean + shards.longest)
        lost, lost_by_one = self._lost(usual, longest)
        total, longest = total + lost, longest + lost_by_one + starts + terms.setup
        gap, unlucky = 1 / terms.pods_a_second, self._unlucky.pods
        typical = makespan(unlucky, nodes, gap, terms.planning)
        lacking = (total - unlucky.total) / nodes + longest - unlucky.longest
        bound = graham(total, longest, nodes) + (nodes - 1) * gap + terms.planning
        return min(bound, typical + max(0.0, lacking))

    def _lost(self, usual: float, longest: float) -> tuple[float, float]:
        """Seconds that evictions may cost all shards of so many seconds, and the unluckiest one."""
        often, unlucky = self._often, self._unlucky
        few = 0.0 if unlucky.evictions else poisson_most(often.expected(usual) * self.count, SURE)
        return max(often.cost(few), unlucky.most), often.most(longest, self.count)


def predict(terms: Terms, nodes: int) -> Row:
    """What the job takes on so many nodes (at least 1)."""
    return Pods(terms, terms.shards or nodes).on(nodes)


def _at_worst(terms: Terms) -> Terms:
    rate = structs.replace(terms.rate, value=terms.rate.low / (1 + terms.unsure))
    uneven = {"variation": terms.most_variation, "item_variation": terms.most_item_variation}
    return structs.replace(terms, rate=rate, longest=terms.rarest, **uneven)


def _at_best(terms: Terms) -> Terms:
    rate = structs.replace(terms.rate, value=terms.rate.high * (1 + terms.unsure))
    return structs.replace(terms, rate=rate, longest=0.0, item_seconds=0.0)


def _shards(terms: Terms, shards: int) -> Shards:
    amounts = _amounts(terms, shards)
    work = [work_of(terms, amount) for amount in amounts]
    usual = math.fsum(work) / shards
    ending = ending_of(terms, terms.items / shards, usual)
    dearest = max(range(shards), key=amounts.__getitem__) if terms.density else -1
    return Shards(work, ending, _variation(terms, shards), terms.longest, dearest)


def _amounts(terms: Terms, shards: int) -> list[float]:
    """How much of the work each shard is."""
    if terms.density:
        return [share * terms.amount for share in shares(terms.density, shards)]
    pieces = round(terms.units)
    if not terms.whole or pieces >= 100 * shards or not pieces:
        return [terms.amount / shards] * shards
    cuts = [pieces * cut // shards for cut in range(shards + 1)]
    return [terms.amount * (cuts[at + 1] - cuts[at]) / pieces for at in range(shards)]


def _variation(terms: Terms, shards: int) -> float:
    """A shard's deviation by chance over its mean: what stretches of a measured input cost is no chance."""
    unknown = max(0, shards - len(terms.density)) if terms.density else shards
    return terms.variation * math.sqrt(unknown / terms.units) if terms.units else 0.0
