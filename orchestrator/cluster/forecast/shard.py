"""What a shard takes a node: its work, shared by threads, and the wait for the last of them; pure."""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

from msgspec import Struct

from orchestrator.cluster.forecast.chance import TWO_SIDED, expected_largest, factor, sure_largest
from orchestrator.cluster.forecast.terms import Terms


class Ending(Struct, frozen=True):
    """Seconds from when a node has nothing left to hand out until its last thread is done.

    Attributes:
        mean, deviation: on average, and how much shards differ.
        most: where the longest item of a usual shard is begun last (Graham's bound).
    """

    mean: float = 0.0
    deviation: float = 0.0
    most: float = 0.0

    @property
    def variation(self) -> float:
        """The deviation over the mean."""
        return self.deviation / self.mean if self.mean else 0.0


def ending_of(terms: Terms, items: float, work: float) -> Ending:
    """How a shard of so many items ends, whose work takes its threads so long together.

    When nothing is left, each thread is somewhere in an item; on average it is E[x²] / 2 E[x] from its end (renewal
    theory), and the last of n at most H(n) times that where items are as even as exponential ones. The longest item
    of the shard may be begun at any time before.
    """
    threads, item = terms.threads, terms.item_seconds
    if threads < 2 or not item or not items:
        return Ending()
    longest = min(item * factor(terms.item_variation, expected_largest(items)), max(item, terms.longest))
    may_be = min(item * factor(terms.item_variation, sure_largest(items)), max(item, terms.longest))
    remains = item * (1 + terms.item_variation**2) / 2
    harmonic = math.fsum(1 / number for number in range(2, threads + 1))
    usual = max(0.0, min(remains * harmonic, longest - remains))
    mean = with_rare(work + usual, work, longest) - work
    sensitive = with_rare(work + usual, work, may_be) - work - mean
    return Ending(mean, max(0.0, sensitive) / TWO_SIDED, max(mean, (1 - 1 / threads) * longest))


def with_rare(seconds: float, last: float, rare: float) -> float:
    """The mean end of work that takes so long where one part of it takes `rare` and begins at any time until `last`."""
    if last + rare <= seconds:
        return seconds
    if not last:
        return max(seconds, rare)
    inside = min(1.0, max(0.0, (seconds - rare) / last))
    return seconds * inside + last * (1 - inside**2) / 2 + rare * (1 - inside)


def work_of(terms: Terms, amount: float) -> float:
    """Seconds of so much work: of all threads, and no less than one of its items takes one thread."""
    shared = amount / terms.rate.value
    return max(shared, min(terms.item_seconds, shared * terms.threads))


def shares(density: Sequence[float], shards: int) -> list[float]:
    """What share of the work each of some equal shards is, where equal stretches cost so much each; 1 in all."""
    total = math.fsum(density)
    sums = [part / total for part in accumulate(density, initial=0.0)]
    stretches = len(density)

    def until(position: float) -> float:
        at = min(int(position), stretches - 1)
        return sums[at] + (sums[at + 1] - sums[at]) * (position - at)

    return [high - low for low, high in pairwise(until(stretches * cut / shards) for cut in range(shards + 1))]
