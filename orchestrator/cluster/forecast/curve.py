"""How many times a measured rate a node with other CPUs has; pure, and told with its reason.

Where the run measured a curve of at least four thread counts, the Universal Scalability Law says; else threads are
taken to be as efficient as those that were measured, and at worst what Amdahl's law makes of them.
"""

from msgspec import Struct

from orchestrator.cluster.forecast.measured import Measured
from orchestrator.cluster.forecast.terms import Origin
from orchestrator.measure.estimate import Estimate
from orchestrator.measure.scaling import Point, Scaling
from orchestrator.measure.usl import FEWEST_COUNTS, Fit

SAME = 0.001


class Growth(Struct, frozen=True):
    """How many times the measured rate, and why.

    Attributes:
        ratio: with what it may be at worst and at best.
        origin: "measured" where nothing had to be assumed or computed.
        note: what a reader must know; "" for nothing.
    """

    ratio: Estimate
    origin: Origin
    reason: str
    note: str = ""


def growth(measured: Measured, cpus: float) -> Growth:
    """What so many working CPUs make of a run's rate."""
    before = measured.working
    if abs(cpus - before) <= SAME * before:
        return Growth(Estimate(1.0, 1.0, 1.0), "measured", f"with {_cpus(before)}, as measured")
    law = _law(measured.scaling, before, cpus)
    if law is not None:
        told = f"the Universal Scalability Law fitted to that run's windows, from {_cpus(before)} to {_cpus(cpus)}"
        return Growth(law, "computed", told)
    linear = cpus / before
    serial = _serial(measured.scaling)
    if serial is None:
        note = (
            f"how the job scales beyond {_cpus(before)} was not measured: that {_cpus(cpus)} do {linear:.3g} times as "
            f"much is assumed; run it, or `ftorch scale`, on a node of {_cpus(cpus)}"
        )
        told = f"times {linear:.3g} for {_cpus(cpus)} instead of {_cpus(before)}"
        return Growth(Estimate(linear, linear, linear), "assumed", told, note)
    worst = min(linear, _amdahl(serial, cpus) / _amdahl(serial, before))
    told = f"as efficient as the {_cpus(before)} that were measured; at worst by Amdahl's law, with {serial:.1%} serial"
    note = f"no curve reaches {_cpus(cpus)}: a run on such a node says more" if worst < linear / 1.1 else ""
    return Growth(Estimate(linear, min(worst, linear), max(worst, linear)), "computed", told, note)


def _law(scaling: Scaling | None, before: float, cpus: float) -> Estimate | None:
    """By the law; None where it could not be fitted, or says nothing of so many CPUs."""
    if scaling is None or scaling.law is None:
        return None
    within = [window for window in scaling.windows if window.threads <= scaling.cpus]
    if len({window.threads for window in within}) < FEWEST_COUNTS:
        return None
    fit = Fit([(window.threads, window.rate(scaling.unit)) for window in within])
    then, now = fit.predict(max(1, round(cpus))), fit.predict(max(1, round(before)))
    if then.speedup is None or now.speedup is None:
        return None
    # What both have in common cancels; their own intervals hold it twice, which errs to the careful side.
    return then.speedup.map_by(1 / now.speedup.value)


def _serial(scaling: Scaling | None) -> float | None:
    """The serial share that explains the most threads that were measured; None where there are not two."""
    told: list[Point] = [] if scaling is None else [point for point in scaling.points if point.karp_flatt is not None]
    if not told:
        return None
    found = max(told, key=lambda point: point.threads).karp_flatt
    assert found is not None
    return min(1.0, max(0.0, found.value))


def _amdahl(serial: float, cpus: float) -> float:
    return 1 / (serial + (1 - serial) / cpus) if cpus > 1 else cpus


def _cpus(count: float) -> str:
    return f"{count:g} CPU{'' if count == 1 else 's'}"
