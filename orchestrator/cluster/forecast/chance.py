"""How far chance takes figures from their mean; pure.

Sums of uneven costs are skewed to the right, so they are taken to be lognormal, with their own mean and variation (the
standard deviation over the mean). The largest of n normal figures lies z(n) standard deviations above their mean on
average: G. Blom, "Statistical Estimates and Transformed Beta-Variables", 1958.
"""

import math
from random import Random
from statistics import NormalDist

_NORMAL = NormalDist()
_MANY, _FAR = 200.0, 12.0
SURE = 0.975
TWO_SIDED = _NORMAL.inv_cdf(SURE)
"""So many standard deviations up and down hold 95 % of all figures."""


def expected_largest(count: float) -> float:
    """How many standard deviations the largest of so many normal figures lies above their mean."""
    return _NORMAL.inv_cdf((count - 0.375) / (count + 0.25)) if count > 1 else 0.0


def sure_largest(count: float) -> float:
    """How many it lies above it at most, in 975 of 1,000 cases."""
    return _NORMAL.inv_cdf(SURE ** (1 / max(1.0, count)))


def factor(variation: float, deviations: float) -> float:
    """How many times its mean a lognormal figure of that variation is, so many deviations up (or down, below 0)."""
    spread = math.log1p(variation * variation)
    return math.exp(math.sqrt(spread) * deviations - spread / 2)


def poisson_most(mean: float, probability: float) -> float:
    """How many events of that mean (Poisson's distribution) there are at most, that probable."""
    if mean > _MANY:
        return mean + _NORMAL.inv_cdf(probability) * math.sqrt(mean)
    term = below = math.exp(-mean)
    number = 0
    while below < probability and number < mean + _FAR * (1 + math.sqrt(mean)):
        number += 1
        term *= mean / number
        below += term
    return float(number)


def rate_within(events: int) -> tuple[float, float]:
    """Between how many times the true rate's events were seen lies (95 %), where so many, at least 1, were seen.

    Source: Byar's approximation to the exact interval of Poisson's mean (N. E. Breslow and N. E. Day, "Statistical
    Methods in Cancer Research II", 1987, p. 69).
    """
    low, high = float(events), events + 1.0
    least = low * (1 - 1 / (9 * low) - TWO_SIDED / (3 * math.sqrt(low))) ** 3
    most = high * (1 - 1 / (9 * high) + TWO_SIDED / (3 * math.sqrt(high))) ** 3
    return least / events, most / events


def sample(variation: float, count: int, rng: Random) -> list[float]:
    """So many factors of mean 1, one of each stretch of equal probability, in an order by chance."""
    if not variation:
        return [1.0] * count
    factors = [factor(variation, _NORMAL.inv_cdf((number + 0.5) / count)) for number in range(count)]
    rng.shuffle(factors)
    scale = count / math.fsum(factors)
    return [each * scale for each in factors]
