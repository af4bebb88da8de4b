"""A figure with its interval; pure.

All intervals are 95 % confidence intervals of a mean by Student's t-distribution (W. S. Gosset, "The probable error of
a mean", Biometrika 6, 1908). Rates and ratios are positive and their errors multiply, so their logarithms are averaged:
the figure is a geometric mean, and its interval is one of the logarithms, taken back.
"""

import math
from collections.abc import Sequence

from msgspec import Struct

# Two-sided 95 % quantiles for 1, 2, … 30 degrees of freedom.
_T = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)


class Estimate(Struct, frozen=True):
    """A figure, and the interval that holds the true one with 95 % confidence."""

    value: float
    low: float
    high: float

    def map_by(self, factor: float) -> Estimate:
        """The figure times a positive factor that is known exactly."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)

    @property
    def spread(self) -> float:
        """How many times the lower end the upper one is; infinite where the lower end is 0 or less."""
        return self.high / self.low if self.low > 0 else math.inf


def t_quantile(freedom: int) -> float:
    """The two-sided 95 % quantile of Student's t for so many degrees of freedom (at least 1); within 0.2 % of it."""
    return _T[freedom - 1] if freedom <= len(_T) else 1.96 + 2.45 / freedom


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean of at least one value. (The standard library's module for it takes 3 ms to import.)"""
    return math.fsum(values) / len(values)


def deviation(values: Sequence[float]) -> float:
    """The sum of the squared deviations from the mean."""
    middle = mean(values)
    return math.fsum((value - middle) ** 2 for value in values)


def geometric(values: Sequence[float]) -> Estimate | None:
    """The geometric mean of positive values with its interval; None for fewer than two, which tell no spread."""
    if len(values) < 2:
        return None
    logs = [math.log(value) for value in values]
    middle = mean(logs)
    half = t_quantile(len(logs) - 1) * math.sqrt(deviation(logs) / (len(logs) - 1) / len(logs))
    return Estimate(math.exp(middle), math.exp(middle - half), math.exp(min(middle + half, 700.0)))
