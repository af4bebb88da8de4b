"""What `ftorch scale` says, as text for a terminal; pure."""

from collections.abc import Iterator

from orchestrator.engine.scale import Progress, ScaleReport
from orchestrator.measure.scaling import Point, Scaling
from orchestrator.report.lines import Row, labelled
from orchestrator.report.scaling import scaling_rows
from orchestrator.report.words import count, duration, number, size

_BAR = 40


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


def _rate(point: Point, scaling: Scaling) -> float:
    windows = [window for window in scaling.windows if window.threads == point.threads]
    return point.rate.value if point.rate else windows[0].rate(scaling.unit)
