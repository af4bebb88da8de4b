"""The Universal Scalability Law: a fit to what was measured, and what it says of more CPUs; pure.

The law (N. J. Gunther, "Guerrilla Capacity Planning", Springer 2007, chapters 4 to 6): with n threads, the rate is

    X(n) = lambda n / (1 + sigma (n - 1) + kappa n (n - 1))

lambda is the rate of one thread, sigma ≥ 0 the share that is serial or waits for a lock (contention), kappa ≥ 0 what
it costs that each pair of threads has to agree (coherency: shared cache lines). n / X(n) is linear in the three
unknowns a = 1/lambda, b = sigma/lambda, c = kappa/lambda, so the fit is a weighted least-squares one, in closed form:
the errors of a rate are relative, and each window weighs by the inverse square of its own n / X(n). Where b or c would
be negative, it is left out and the rest fitted again: of all such fits the best one is the constrained optimum, since
the problem is convex.
"""

import math
from collections.abc import Sequence
from itertools import combinations

from msgspec import Struct

from orchestrator.measure.estimate import Estimate, t_quantile

FEWEST_COUNTS = 4
"""So many thread counts a fit needs: one more than it has unknowns."""

CORES = (8, 16, 32, 64)
"""The nodes that a prediction is made for."""

FARTHEST = 8
"""A prediction goes to so many times the most threads that were measured; beyond, the law itself is the guess."""

WIDEST = 0.6
"""A prediction is none where the interval of n / speedup, which is 1 at best, goes farther than that to either side.

The interval's own ends are no measure: they lie closer together the worse the speedup is, so that of many noisy fits
just the gloomy ones would be told.
"""

type _Row = tuple[float, float, float]


class Usl(Struct, frozen=True):
    """A fitted law.

    Attributes:
        rate: lambda, units a second of one thread.
        contention: sigma.
        coherency: kappa.
        best_threads: where the fitted curve is highest, None where it never falls.
        error: the root mean square of the relative deviations from the fit.
    """

    rate: float
    contention: float
    coherency: float
    best_threads: float | None
    error: float


class Prediction(Struct, frozen=True):
    """What the law says of a node with so many cores: a prediction, not a measurement.

    Attributes:
        speedup: over one thread, None where the windows do not support a figure.
        rate: units a second, likewise.
        refused: why there is no figure.
    """

    cores: int
    speedup: Estimate | None = None
    rate: Estimate | None = None
    refused: str = ""


class Fit:
    """A fit to observations, each a number of threads and the rate they had; at least four different numbers.

    Its intervals hold the errors of the windows, but not that the law may not hold far from what was measured.
    """

    def __init__(self, observations: Sequence[tuple[int, float]]) -> None:
        self._most = max(threads for threads, _ in observations)
        rows = [_row(threads) for threads, _ in observations]
        times = [threads / rate for threads, rate in observations]
        weights = [1 / time**2 for time in times]
        self._inverse = _inverse(_normal(rows, weights))
        self._solution, rss = _constrained(rows, times, weights)
        self._freedom = len(rows) - 3
        self._variance = rss / self._freedom
        a, b, c = self._solution
        best = math.sqrt((a - b) / c) if c > 0 and b < a else (1.0 if c > 0 else None)
        self.law = Usl(1 / a, b / a, c / a, best, math.sqrt(rss / len(rows)))

    def predict(self, cores: int) -> Prediction:
        """What so many cores would do."""
        if cores > FARTHEST * self._most:
            return Prediction(
                cores, refused=f"more than {FARTHEST} times the {self._most} threads that were measured at most"
            )
        a, b, c = self._solution
        _, x1, x2 = row = _row(cores)
        time = a + b * x1 + c * x2
        ratio = time / a
        slope = (-(b * x1 + c * x2) / a**2, x1 / a, x2 / a)
        half = self._half(slope)
        rate = self._between(time, self._half(row), floor=a, factor=cores)
        speedup = self._between(ratio, half, floor=1.0, factor=cores)
        if half > WIDEST:
            told = f"between {speedup.low:.2g} and {speedup.high:.2g} times one thread: too wide to be a figure"
            return Prediction(cores, refused=told)
        return Prediction(cores, speedup, rate)

    def _half(self, direction: _Row) -> float:
        """Half the interval of a linear combination of a, b and c."""
        spread = sum(direction[i] * self._inverse[i][j] * direction[j] for i in range(3) for j in range(3))
        return t_quantile(self._freedom) * math.sqrt(max(0.0, self._variance * spread))

    @staticmethod
    def _between(middle: float, half: float, floor: float, factor: float) -> Estimate:
        """The factor over a value with its interval, which is never below the floor: what is lost is not negative."""
        return Estimate(factor / middle, factor / (middle + half), factor / max(floor, middle - half))


def _row(threads: float) -> _Row:
    return (1.0, threads - 1.0, threads * (threads - 1.0))


def _normal(rows: Sequence[_Row], weights: Sequence[float]) -> list[list[float]]:
    return [
        [sum(weight * row[i] * row[j] for row, weight in zip(rows, weights, strict=True)) for j in range(3)]
        for i in range(3)
    ]


def _constrained(rows: Sequence[_Row], times: Sequence[float], weights: Sequence[float]) -> tuple[_Row, float]:
    """The least-squares solution with b, c ≥ 0, and its weighted sum of squares."""
    normal = _normal(rows, weights)
    right = [
        sum(weight * row[i] * time for row, time, weight in zip(rows, times, weights, strict=True)) for i in range(3)
    ]
    found: list[tuple[float, _Row]] = []
    for size in range(3):
        for chosen in combinations((1, 2), size):
            columns = (0, *chosen)
            part = _solve([[normal[i][j] for j in columns] for i in columns], [right[i] for i in columns])
            values = dict(zip(columns, part, strict=True))
            solution = (values[0], values.get(1, 0.0), values.get(2, 0.0))
            if solution[0] > 0 and min(solution[1:]) >= 0:
                found.append((_rss(rows, times, weights, solution), solution))
    rss, best = min(found)
    return best, rss


def _rss(rows: Sequence[_Row], times: Sequence[float], weights: Sequence[float], solution: _Row) -> float:
    fitted = [sum(value * factor for value, factor in zip(row, solution, strict=True)) for row in rows]
    return sum(weight * (time - fit) ** 2 for time, fit, weight in zip(times, fitted, weights, strict=True))


def _inverse(matrix: list[list[float]]) -> list[list[float]]:
    size = len(matrix)
    columns = [_solve(matrix, [float(i == j) for i in range(size)]) for j in range(size)]
    return [[columns[j][i] for j in range(size)] for i in range(size)]


def _solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """The solution of a small regular system, by Gaussian elimination with partial pivoting."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for at in range(size):
        pivot = max(range(at, size), key=lambda row: abs(rows[row][at]))
        rows[at], rows[pivot] = rows[pivot], rows[at]
        for row in range(at + 1, size):
            factor = rows[row][at] / rows[at][at]
            rows[row] = [value - factor * above for value, above in zip(rows[row], rows[at], strict=True)]
    solution = [0.0] * size
    for at in reversed(range(size)):
        known = sum(rows[at][column] * solution[column] for column in range(at + 1, size))
        solution[at] = (rows[at][size] - known) / rows[at][at]
    return solution
