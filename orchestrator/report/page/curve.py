"""A node's scaling curve as a drawing: measured points with their intervals, the ideal, the law and its predictions.

A speedup that was refused is not drawn, and what was predicted looks unlike what was measured.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from orchestrator.measure.estimate import Estimate
from orchestrator.measure.scaling import Scaling
from orchestrator.measure.usl import Usl
from orchestrator.report.page.markup import Markup, element, joined

WIDTH, HEIGHT = 560, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 16, 14, 40
_MOST_TICKS = 8
_STEPS = 60
_TIP = 4


class _Point(Struct, frozen=True):
    threads: int
    speedup: Estimate
    predicted: bool


class _Scale(Struct, frozen=True):
    """From threads and speedups to places in the drawing."""

    threads: float
    speedup: float

    def x(self, threads: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * threads / self.threads

    def y(self, speedup: float) -> float:
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * speedup / self.speedup


def scaling_drawing(scaling: Scaling) -> Markup | None:
    """The curve; None where no thread count but one has a speedup."""
    points = [*_measured(scaling), *_predicted(scaling)]
    if len(points) < 2:
        return None
    most = max(point.threads for point in points)
    highest = max(min(most, scaling.cpus), *(point.speedup.high for point in points))
    scale = _Scale(most * 1.04, highest * 1.06)
    parts = [*_axes(scale, points), _ideal(scale, most)]
    if scaling.law is not None:
        parts.append(_law(scale, scaling.law, most))
    parts += [_dot(scale, point) for point in points]
    return element(
        "svg",
        element("title", "Speedup by number of threads"),
        *parts,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        class_="curve",
    )


def ticks(highest: float) -> list[float]:
    """Round values from 0 to at most `highest`, eight at most."""
    step = 1.0
    while highest / step > _MOST_TICKS:
        step *= 2 if f"{step:g}"[0] in "15" else 2.5
    return [step * number for number in range(int(highest / step) + 1)]


def _measured(scaling: Scaling) -> Iterator[_Point]:
    for point in scaling.points:
        if point.speedup is not None:
            yield _Point(point.threads, point.speedup, predicted=False)


def _predicted(scaling: Scaling) -> Iterator[_Point]:
    for prediction in scaling.predictions:
        if prediction.speedup is not None:
            yield _Point(prediction.cores, prediction.speedup, predicted=True)


def _axes(scale: _Scale, points: Sequence[_Point]) -> Iterator[Markup]:
    for value in ticks(scale.speedup):
        y = scale.y(value)
        yield element("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=y, y2=y, class_="grid")
        yield element("text", f"{value:g}", x=_LEFT - 8, y=y + 4, class_="tick end")
    last = -WIDTH
    for threads in sorted({point.threads for point in points}):
        x = scale.x(threads)
        if x - last > 20:
            yield element("text", str(threads), x=x, y=HEIGHT - _BOTTOM + 18, class_="tick middle")
            last = round(x)
    yield element("text", "threads", x=(WIDTH + _LEFT) / 2, y=HEIGHT - 4, class_="label middle")
    turned = f"translate(12 {HEIGHT / 2 - 10}) rotate(-90)"
    yield element("text", "times one thread", transform=turned, class_="label middle")


def _ideal(scale: _Scale, most: int) -> Markup:
    """As many times one thread as there are threads."""
    top = min(float(most), scale.speedup)
    return element("line", x1=scale.x(0), y1=scale.y(0), x2=scale.x(top), y2=scale.y(top), class_="ideal")


def _law(scale: _Scale, law: Usl, most: int) -> Markup:
    places = []
    for step in range(1, _STEPS + 1):
        threads = 1 + (most - 1) * step / _STEPS
        speedup = threads / (1 + law.contention * (threads - 1) + law.coherency * threads * (threads - 1))
        places.append(f"{scale.x(threads):.1f},{scale.y(speedup):.1f}")
    return element("polyline", points=" ".join(places), class_="law")


def _dot(scale: _Scale, point: _Point) -> Markup:
    x, found = scale.x(point.threads), point.speedup
    kind = "predicted" if point.predicted else "measured"
    told = f"{kind}: {point.threads} threads, {found.value:.3g} times ({found.low:.3g} to {found.high:.3g})"
    low, high = scale.y(max(0.0, found.low)), scale.y(found.high)
    whisker = f"M{x:.1f} {low:.1f}V{high:.1f}M{x - _TIP:.1f} {low:.1f}h{2 * _TIP}M{x - _TIP:.1f} {high:.1f}h{2 * _TIP}"
    return element(
        "g",
        joined(
            [
                element("title", told),
                element("path", d=whisker),
                element("circle", cx=x, cy=scale.y(found.value), r=4.5),
            ]
        ),
        class_=kind,
    )
