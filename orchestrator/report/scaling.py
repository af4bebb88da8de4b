"""How a job scales, as text for a terminal; pure."""

from collections.abc import Iterator, Sequence

from orchestrator.engine.scale import Progress, ScaleReport
from orchestrator.measure.estimate import Estimate
from orchestrator.measure.scaling import Point, Scaling
from orchestrator.measure.usl import Prediction, Usl
from orchestrator.report.lines import Row, labelled
from orchestrator.report.words import count, duration, number, share, size

_BAR = 40
_HEADS = ("threads", "items/s", "speedup", "efficiency")
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


def scale_text(report: ScaleReport, width: int | None = None) -> str:
    """What `ftorch scale` says, ended with a newline; wrapped to so many columns, None for no wrapping."""
    title = f"{report.job}: how {report.task} scales" + ("" if report.complete else " (so far)")
    return "\n".join([title, *labelled(_scale_rows(report), width)]) + "\n"


def progress_text(progress: Progress) -> str:
    """One line: windows done, and what the last one showed."""
    done = f"{progress.done} of {count(progress.total, 'window')}"
    if progress.last is None:
        return f"{done}: starting, and warming up"
    window = progress.last.window
    rate = f"{count(window.threads, 'thread')}, {number(window.items_per_second)} items/s"
    return f"{done}: {rate}; {duration(progress.seconds_left)} left at least"


def _scale_rows(report: ScaleReport) -> Iterator[Row]:
    host = report.host
    yield "host", f"{host.hostname}, {host.cpu_model or 'CPU of unknown model'}, {count(host.affinity, 'CPU')}"
    yield report.backend.backend, f"{report.threads.threads} in a run: {report.threads.reason}"
    if report.backend.backend != "threads":
        yield "", report.backend.reason
    yield "sample", _sample(report)
    windows = f"{len(report.scaling.windows)} of {duration(report.seconds)} or more"
    yield "windows", f"{windows}, in {count(report.repeats, 'repeat')}; order by --seed {report.seed}"
    if not report.complete:
        yield "stopped", report.reason
    yield "curve", "\n".join(_curve(report.scaling))
    yield from scaling_rows(report.scaling)
    if report.failed:
        yield "failed", f"{number(report.failed)} of {number(report.items)} items: the curve is one of failing, too"
    for note in report.notes:
        yield "note", note
    for warning in (*report.threads.warnings, *report.backend.warnings):
        yield "warning", warning


def _sample(report: ScaleReport) -> str:
    items = count(report.sample_items, "item") if report.sample_items is not None else "items of"
    nbytes = f"{', ' if report.sample_items is not None else ' '}{size(report.sample_bytes)}"
    return f"{items}{nbytes if report.sample_bytes else ''}, again and again; nothing was written"


def _curve(scaling: Scaling) -> Iterator[str]:
    """A bar for each number of threads, and dots up to what it would be if each CPU added as much as the first."""
    rates = {point.threads: _rate(point, scaling) for point in scaling.points}
    alone = rates.get(1, 0.0)
    ideals = {threads: alone * min(threads, scaling.cpus) / min(1.0, scaling.cpus) for threads in rates}
    most = max(*rates.values(), *ideals.values())
    digits = max(len(str(threads)) for threads in rates)
    for threads, rate in rates.items():
        full, ideal = round(_BAR * rate / most), round(_BAR * ideals[threads] / most)
        yield f"{threads:<{digits}} {'█' * full}{'·' * (ideal - full)}"


def _idle(point: Point, cpus: float) -> str:
    """What to add where threads had less of a CPU than their share."""
    fair = min(1.0, cpus / point.threads)
    return "" if point.busy >= _IDLE * fair else f"; its threads had {share(point.busy)} of a CPU each"


def _rate(point: Point, scaling: Scaling) -> float:
    windows = [window for window in scaling.windows if window.threads == point.threads]
    return point.rate.value if point.rate else windows[0].rate(scaling.unit)


def _table(scaling: Scaling) -> list[str]:
    """The points as aligned columns."""
    cost = "CPU an item" if scaling.unit == "item" else "CPU a MB"
    rows = [(*_HEADS, cost), *(_cells(point, scaling) for point in scaling.points)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _cells(point: Point, scaling: Scaling) -> tuple[str, ...]:
    cost = point.cpu_per_unit.value if point.cpu_per_unit else 0.0
    each = cost if scaling.unit == "item" else 1e6 * cost
    efficiency = point.efficiency
    return (
        str(point.threads),
        number(point.items_per_second),
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
