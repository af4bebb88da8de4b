"""How much the costs of a job's items differ, and how far a sample of them can be trusted; pure."""

import math
import statistics

from orchestrator.cluster.forecast.chance import TWO_SIDED
from orchestrator.cluster.forecast.measured import Measured
from orchestrator.cluster.forecast.terms import THERE, Figure

_RARE = 40


def variation_of(measured: Measured, known: bool) -> tuple[float, float]:
    """How much a unit's cost varies over its mean, and how far the mean may be off.

    Where the input is another than the measured one, what its stretches differed by counts as chance, too.
    """
    units = max(1, measured.units)
    within = 0.0 if measured.costs is None else measured.costs.variation
    stretches = len(measured.density)
    scatter = measured.between
    if not known and stretches > 1:
        scatter = statistics.stdev(measured.density) / statistics.fmean(measured.density)
    across = scatter * math.sqrt(units / stretches) if stretches > 1 else 0.0
    variation = max(within, across)
    return variation, 0.0 if known else TWO_SIDED * variation / math.sqrt(units)


def local_variation(measured: Measured) -> float:
    """How much units vary that lie close together: without what differs from stretch to stretch."""
    if measured.costs is None:
        return 0.0
    whole, stretches = measured.costs.variation, len(measured.density)
    if stretches < 2:
        return whole
    across = statistics.stdev(measured.density) / statistics.fmean(measured.density)
    return math.sqrt(max(0.0, whole**2 * (1 + stretches / measured.units) - across**2))


def longest_of(measured: Measured, each: float, growth: float) -> tuple[float, float]:
    """What the longest item of an input so many times as large is likely to take, and may take.

    Where the tail is that of a power law, the largest of m costs is about m^e times the mean; that tells the exponent e
    from the largest that was measured. Lighter tails grow by less, so half of it is likely; where costs have a variance
    e is 1/2 at most, and as one largest says little about e, twice of it may be. In one of 40 cases the largest is that
    of 40 times as many.
    """
    if measured.costs is None:
        return each, each
    longest, growth = measured.costs.longest, max(1.0, growth)
    exponent = math.log(max(1.0, longest / each)) / math.log(measured.items) if measured.items > 1 and each else 0.0
    if growth == 1:
        return longest, longest
    rare = _RARE ** min(0.5, exponent)
    return longest * growth ** min(0.25, exponent / 2), longest * growth ** min(0.5, 2 * exponent) * rare


def unevenness_of(variation: float, measured: Measured, known: bool) -> Figure:
    """The same as a figure."""
    if measured.costs is None and not measured.between:
        return Figure("uneven", variation, "", "assumed", "items cost the same")
    told = f"a unit's deviation over its mean, {THERE}" + ("; its stretches as they were" if known else "")
    return Figure("uneven", variation, "", "measured", told)
