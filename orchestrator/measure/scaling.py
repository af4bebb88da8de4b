"""From windows to the curve: speedup, efficiency, CPU a unit, Karp-Flatt, and the law fitted to it; pure.

What the windows do not support is refused, with the reason: no figure here was guessed, and a prediction says that it
is one.
"""

from collections.abc import Sequence

from msgspec import Struct

from orchestrator.measure.estimate import Estimate, geometric
from orchestrator.measure.usl import CORES, FEWEST_COUNTS, Fit, Prediction, Usl
from orchestrator.measure.windows import Unit, UnitChoice, Window, choose_unit

WIDEST_SPEEDUP = 1.5
"""A speedup whose upper end is more than so many times its lower one is no figure."""

THROTTLED = 0.05
"""From this share of their CPU time on, throttled windows show the quota, not the job."""

_THROTTLED_AT_ALL = 0.01


class Point(Struct, frozen=True):
    """What so many threads did. Intervals are 95 % ones, from window to window.

    Attributes:
        windows: how many there were.
        rate: units a second, of the unit that the curve is compared by.
        items_per_second, bytes_per_second: on average.
        busy: the share of their time in which the threads had a CPU (0 to 1).
        cpu_per_unit: CPU seconds an item or byte, of the working threads alone.
        speedup: over one thread, each window compared with that of the same repeat; None where it is refused.
        efficiency: the speedup over what so many CPUs, the quota counted, could give at best.
        karp_flatt: the serial share that would explain the speedup (A. H. Karp, H. P. Flatt, "Measuring parallel
            processor performance", CACM 33(5), 1990): (1/s - 1/n) / (1 - 1/n). It grows with n where threads hinder
            each other, and stays where a part of the work is serial. None for one thread, or more than CPUs.
        refused: why there is no speedup.
    """

    threads: int
    windows: int
    rate: Estimate | None
    items_per_second: float
    bytes_per_second: float
    busy: float
    cpu_per_unit: Estimate | None
    speedup: Estimate | None
    efficiency: Estimate | None
    karp_flatt: Estimate | None
    refused: str = ""


class Scaling(Struct, frozen=True):
    """How a job scales with threads on a node, as its windows tell.

    Attributes:
        cpus: CPUs' worth of time that the process may have.
        unit: what rates are compared by: "item" or "byte".
        unit_reason: why that one.
        points: a point for each number of threads, the fewest first.
        law: the Universal Scalability Law, where it could be fitted.
        predictions: what it says of larger nodes.
        refused: what is not told, and why.
        notes: what happened meanwhile that a reader must know.
        lost_seconds: what it cost the job: seconds of the whole node.
        windows: what all that was made of.
    """

    cpus: float
    unit: Unit
    unit_reason: str
    points: list[Point]
    law: Usl | None
    predictions: list[Prediction]
    refused: list[str]
    notes: list[str]
    lost_seconds: float
    windows: list[Window]


def cpu_growth(scaling: Scaling) -> float | None:
    """How many times one thread's CPU time a unit took with the most threads that have a CPU each.

    None where no window of either was long enough to tell.
    """
    counted = {point.threads: point.cpu_per_unit for point in scaling.points if point.threads <= scaling.cpus}
    one, most = counted.get(1), counted.get(max(counted, default=1))
    return most.value / one.value if one is not None and most is not None and max(counted) > 1 else None


def scaling_of(windows: Sequence[Window], cpus: float, notes: Sequence[str] = (), lost_seconds: float = 0.0) -> Scaling:
    """The curve that some windows show, on a node that gives so many CPUs' worth of time."""
    choice = choose_unit(windows)
    counts = sorted({window.threads for window in windows})
    points = [_point(threads, windows, choice, cpus) for threads in counts]
    throttled = _throttled(windows)
    fit, why_not = _fit([window for window in windows if window.threads <= cpus], choice.unit, throttled)
    most = max((threads for threads in counts if threads <= cpus), default=0)
    return Scaling(
        cpus=cpus,
        unit=choice.unit,
        unit_reason=choice.reason,
        points=points,
        law=None if fit is None else fit.law,
        predictions=[] if fit is None else [fit.predict(cores) for cores in CORES if cores > most],
        refused=[why_not] if why_not else [],
        notes=[*notes, *_throttling_note(throttled)],
        lost_seconds=lost_seconds,
        windows=list(windows),
    )


def karp_flatt(speedup: float, threads: int) -> float:
    """The serial share that explains a speedup of so many threads (at least 2)."""
    return (1 / speedup - 1 / threads) / (1 - 1 / threads)


def _point(threads: int, windows: Sequence[Window], choice: UnitChoice, cpus: float) -> Point:
    unit = choice.unit
    mine = [window for window in windows if window.threads == threads]
    seconds = sum(window.seconds for window in mine)
    speedup, refused = _speedup(threads, windows, unit)
    at_best = min(threads, cpus) / min(1.0, cpus)
    within = 1 < threads <= cpus
    return Point(
        threads=threads,
        windows=len(mine),
        rate=geometric([window.rate(unit) for window in mine]),
        items_per_second=sum(window.items_per_second * window.seconds for window in mine) / seconds,
        bytes_per_second=sum(window.bytes_per_second * window.seconds for window in mine) / seconds,
        busy=min(1.0, sum(window.cpu_seconds for window in mine) / (threads * seconds)),
        cpu_per_unit=geometric([window.cpu_seconds / window.amount(unit) for window in mine if window.cpu_seconds > 0]),
        speedup=speedup,
        efficiency=None if speedup is None else speedup.map_by(1 / at_best),
        karp_flatt=_serial_share(speedup, threads) if speedup is not None and within else None,
        refused=refused,
    )


def _serial_share(speedup: Estimate, threads: int) -> Estimate:
    ends = [karp_flatt(value, threads) for value in (speedup.value, speedup.high, speedup.low)]
    return Estimate(*ends)


def _speedup(threads: int, windows: Sequence[Window], unit: Unit) -> tuple[Estimate | None, str]:
    """The speedup over one thread, or why there is none."""
    if threads == 1:
        return Estimate(1.0, 1.0, 1.0), ""
    alone = {window.repeat: window.rate(unit) for window in windows if window.threads == 1}
    ratios = [
        window.rate(unit) / alone[window.repeat]
        for window in windows
        if window.threads == threads and window.repeat in alone
    ]
    found = geometric(ratios)
    if found is None:
        return None, f"{len(ratios)} of the two windows that it needs beside one of a single thread"
    if found.spread > WIDEST_SPEEDUP:
        told = f"somewhere between {found.low:.2g} and {found.high:.2g}"
        return None, f"{told}: items differ too much, or the machine is busy with other things"
    return found, ""


def _fit(windows: Sequence[Window], unit: Unit, throttled: float) -> tuple[Fit | None, str]:
    """The law fitted to the windows of no more threads than CPUs, or why it is not."""
    counts = {window.threads for window in windows}
    if len(counts) < FEWEST_COUNTS:
        told = f"{len(counts)} {'was' if len(counts) == 1 else 'were'} measured"
        return None, f"no fit and no prediction: they need {FEWEST_COUNTS} thread counts within the CPUs, {told}"
    if throttled > THROTTLED:
        return None, f"no fit and no prediction: the CPU quota throttled {throttled:.0%} of the windows' time"
    return Fit([(window.threads, window.rate(unit)) for window in windows]), ""


def _throttled(windows: Sequence[Window]) -> float:
    """The share of the CPU time that threads were to have in which the quota held them up."""
    wanted = sum(window.seconds * window.threads for window in windows)
    return sum(window.throttled_seconds for window in windows) / wanted if wanted else 0.0


def _throttling_note(throttled: float) -> list[str]:
    if throttled <= _THROTTLED_AT_ALL:
        return []
    what = "shows the quota, not the job" if throttled > THROTTLED else "is a little too low"
    return [f"the CPU quota throttled {throttled:.1%} of the windows' time: the curve {what}"]
