"""How a job scales, as text for a terminal; pure."""

from collections.abc import Iterator, Sequence

from orchestrator.measure.estimate import Estimate
from orchestrator.measure.scaling import Point, Scaling
from orchestrator.measure.usl import Prediction, Usl
from orchestrator.report.lines import Row
from orchestrator.report.words import count, duration, number, share, size

_HEADS = {
    "item": ("threads", "items/s", "speedup", "efficiency", "CPU an item"),
    "byte": ("threads", "MB/s", "speedup", "efficiency", "CPU a MB"),
}
_IDLE = 0.9


def scaling_rows(scaling: Scaling) -> Iterator[Row]:
    """The curve, and what follows from it."""
    yield "scaling", "\n".join(_table(scaling))
    for point in scaling.points:
        if point.speedup is None:
            yield "", f"no speedup of {count(point.threads, 'thread')}: {point.refused}{_idle(point, scaling.cpus)}"
    yield "", f"compared by {scaling.unit}s: {scaling.unit_reason}"
    yield from _serial_rows(scaling.points)
    if scaling.law is not None:
        yield "", _law(scaling.law)
        yield from (("", _prediction(each, scaling)) for each in scaling.predictions)
    yield from (("", why) for why in scaling.refused)
    yield from (("", note) for note in scaling.notes)
    yield "", _cost(scaling)


def _idle(point: Point, cpus: float) -> str:
    """What to add where threads had less of a CPU than their share."""
    fair = min(1.0, cpus / point.threads)
    return "" if point.busy >= _IDLE * fair else f"; its threads had {share(point.busy)} of a CPU each"


def _table(scaling: Scaling) -> list[str]:
    """The points as aligned columns."""
    rows = [_HEADS[scaling.unit], *(_cells(point, scaling) for point in scaling.points)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _cells(point: Point, scaling: Scaling) -> tuple[str, ...]:
    cost = point.cpu_per_unit.value if point.cpu_per_unit else 0.0
    by_item = scaling.unit == "item"
    each = cost if by_item else 1e6 * cost
    efficiency = point.efficiency
    return (
        str(point.threads),
        number(point.items_per_second if by_item else point.bytes_per_second / 1e6),
        _speedup(point),
        "-" if efficiency is None else f"{100 * efficiency.value:.0f} %",
        duration(each) if each else "-",
    )


def _speedup(point: Point) -> str:
    if point.threads == 1:
        return "1"
    return "-" if point.speedup is None else between(point.speedup)


def between(estimate: Estimate) -> str:
    """A figure with its interval: "1.92 (1.88 to 1.95)"."""
    return f"{estimate.value:.3g} ({estimate.low:.3g} to {estimate.high:.3g})"


def _serial_rows(points: Sequence[Point]) -> Iterator[Row]:
    """Karp-Flatt of the fewest and the most threads: whether it grows tells what it is."""
    told = [point for point in points if point.karp_flatt is not None]
    if not told:
        return
    shown = told if len(told) == 1 else [told[0], told[-1]]
    each = [f"{_percent(point.karp_flatt)} with {point.threads} threads" for point in shown if point.karp_flatt]
    yield "", f"Karp-Flatt, the share that would have to be serial: {', '.join(each)}"


def _percent(estimate: Estimate) -> str:
    low, high = max(0.0, 100 * estimate.low), max(0.0, 100 * estimate.high)
    return f"{max(0.0, 100 * estimate.value):.2g} % ({low:.2g} to {high:.2g} %)"


def _law(law: Usl) -> str:
    best = f", best with {law.best_threads:.0f} threads" if law.best_threads is not None else ""
    found = f"contention {100 * law.contention:.2g} %, coherency {100 * law.coherency:.2g} %{best}"
    return f"Universal Scalability Law: {found}; it is {100 * law.error:.2g} % off the windows"


def _prediction(prediction: Prediction, scaling: Scaling) -> str:
    head = f"prediction for {prediction.cores} cores like these:"
    if prediction.speedup is None or prediction.rate is None:
        return f"{head} none, {prediction.refused}"
    rate = prediction.rate.value
    told = f"{number(rate)} items/s" if scaling.unit == "item" else f"{size(rate)}/s"
    return f"{head} {between(prediction.speedup)} times one thread, {told}"


def _cost(scaling: Scaling) -> str:
    cost = f"; they cost the run {duration(scaling.lost_seconds)}" if scaling.lost_seconds else ""
    seconds = sum(window.seconds for window in scaling.windows) / len(scaling.windows)
    return f"from {count(len(scaling.windows), 'window')} of {duration(seconds)}, 95 % intervals{cost}"
