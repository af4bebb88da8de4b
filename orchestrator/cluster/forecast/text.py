"""A forecast, as text for a terminal; pure."""

import time
from collections.abc import Iterator

from orchestrator.cluster.forecast.choice import HELPS, MOST_NODES, Forecast
from orchestrator.cluster.forecast.terms import Figure, Row
from orchestrator.report.lines import Row as Line
from orchestrator.report.lines import labelled
from orchestrator.report.words import count, duration, number, share, size

_LABEL = 13


def forecast_text(forecast: Forecast, width: int | None = None) -> str:
    """The forecast, ended with a newline; its rows wrapped to so many columns, None for no wrapping."""
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(forecast.ended))
    cut = f" in {count(forecast.rows[0].shards, 'shard')}" if _alike(forecast) else ""
    title = f"{forecast.job}{cut}: computed, not measured, from run {forecast.run} of {day}"
    table = [f"  {line}" for line in _table(forecast)]
    return "\n".join([title, *table, *labelled(_rows(forecast), width, _LABEL)]) + "\n"


def _table(forecast: Forecast) -> list[str]:
    heads = ["NODES", "SHARDS", "TIME", "AT BEST", "AT WORST", "CPU-HOURS", "COST", "EVICTED", "BUSY", ""]
    cells = [heads, *(_cells(row, _marks(forecast, row)) for row in forecast.rows)]
    evicted = any(row.evictions for row in forecast.rows)
    left_out = {1 if _alike(forecast) else -1, 6 if forecast.price is None else -1, -1 if evicted else 7}
    cells = [[cell for at, cell in enumerate(line) if at not in left_out] for line in cells]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(f"{cell:<{wide}}" for cell, wide in zip(line, widths, strict=True)).rstrip() for line in cells]


def _alike(forecast: Forecast) -> bool:
    """Whether the input is cut into as many shards however many nodes there are."""
    return forecast.rows[0].shards == forecast.rows[-1].shards


def _cells(row: Row, marks: str) -> list[str]:
    times = (duration(row.seconds), duration(row.low), duration(row.high))
    cost = "" if row.cost is None else f"{row.cost:.4g}"
    held = (number(row.cpu_hours), cost, number(row.evictions), share(row.busy))
    return [number(row.nodes), number(row.shards), *times, *held, marks]


def _marks(forecast: Forecast, row: Row) -> str:
    named = {"cheapest": forecast.cheapest, "cheapest, safe": forecast.safe, "enough": forecast.enough}
    found = [mark for mark, one in named.items() if one is not None and one.nodes == row.nodes]
    return "; ".join(found[1:] if found[:2] == ["cheapest", "cheapest, safe"] else found)


def _rows(forecast: Forecast) -> Iterator[Line]:
    if forecast.deadline is not None:
        yield "deadline", _deadline(forecast, forecast.deadline)
    yield "enough", _enough(forecast)
    if forecast.most < MOST_NODES:
        yield "", f"more than {count(forecast.most, 'node')} would have no shard to work on (kubernetes.shards)"
    if forecast.better is not None:
        better = forecast.better
        gain = f"{duration(better.seconds)} instead of {duration(forecast.advised.seconds)}"
        less = "; a pod that is lost costs more, then" if better.shards < forecast.advised.shards else ""
        yield "shards", f"{number(better.shards)} would be quicker for {count(better.nodes, 'node')}: {gain}{less}"
    for label, figure in zip(["from"] + [""] * len(forecast.figures), forecast.figures, strict=False):
        yield label, _figure(figure)
    for note in forecast.notes:
        yield "note", note


def _deadline(forecast: Forecast, deadline: float) -> str:
    wanted = duration(deadline)
    if forecast.cheapest is None:
        best = forecast.fastest
        return f"{wanted} cannot be kept; the best is {count(best.nodes, 'node')}: {_told(best)}"
    found = f"{count(forecast.cheapest.nodes, 'node')} keep {wanted} at the least cost: {_told(forecast.cheapest)}"
    if forecast.safe is None:
        return f"{found}; none keeps it at worst"
    if forecast.safe.nodes == forecast.cheapest.nodes:
        return f"{found}; also at worst"
    return f"{found}; {number(forecast.safe.nodes)} at worst, too"


def _enough(forecast: Forecast) -> str:
    found, fastest = forecast.enough, forecast.fastest
    if found.nodes == fastest.nodes:
        return f"{count(found.nodes, 'node')} are the fastest: {_told(found)}; more of them do not help"
    return (
        f"{count(found.nodes, 'node')}: {_told(found)}; beyond, more nodes save less than {share(HELPS)} "
        f"(the fastest are {number(fastest.nodes)}: {duration(fastest.seconds)})"
    )


def _told(row: Row) -> str:
    cost = "" if row.cost is None else f", {row.cost:.4g}"
    return f"{duration(row.seconds)}, {number(row.cpu_hours)} CPU-hours{cost}"


def _figure(figure: Figure) -> str:
    if figure.unit.startswith("byte"):
        value = size(figure.value) + figure.unit.removeprefix("byte")
    elif figure.unit.startswith("/"):
        value = f"{number(figure.value)}{figure.unit}"
    elif figure.unit.startswith("item"):
        value = f"{number(figure.value)} {figure.unit.replace('item', 'items', 1)}"
    elif figure.unit.startswith("s"):
        value = duration(figure.value) + figure.unit.removeprefix("s")
    else:
        value = number(round(figure.value, 4))
    return f"{figure.name} {value}: {figure.origin}, {figure.source}"
