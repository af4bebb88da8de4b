"""A comparison as text for a terminal; pure."""

from collections.abc import Iterator, Sequence

from orchestrator.compare.figures import TOO_SHORT, Figures, verdict
from orchestrator.compare.results import Comparison, Row
from orchestrator.report.lines import labelled
from orchestrator.report.words import count, duration, number, size

_HEADS = (
    "",
    "items/s",
    "ratio",
    "one alone p50",
    "p99",
    "first result",
    "memory",
    "pickled",
    "CPU time",
    "per million",
)

_LABEL = len("interpreters")


def comparison_text(found: Comparison, width: int | None = None) -> str:
    """The comparison, ended with a newline; what is no table is wrapped to so many columns, None for no wrapping."""
    ended = "" if found.state == "done" else f" ({found.state}: what was measured until then)"
    title = f"{found.job}: {count(found.items, 'item')}, {found.chosen}{ended}"
    measured = [row for row in found.rows if row.figures is not None]
    lines = [title, ""]
    if measured:
        lines += _table([_HEADS, *(_cells(row) for row in measured)], found.price is not None)
        lines.append("")
    return "\n".join([*lines, *labelled(_notes(found, measured), width, _LABEL)]) + "\n"


def _table(rows: Sequence[Sequence[str]], priced: bool) -> list[str]:
    columns = len(_HEADS) - (0 if priced else 1)
    widths = [max(len(row[at]) for row in rows) for at in range(columns)]
    return [
        "  " + "  ".join([f"{row[0]:<{widths[0]}}", *(f"{row[at]:>{widths[at]}}" for at in range(1, columns))]).rstrip()
        for row in rows
    ]


def _cells(row: Row) -> tuple[str, ...]:
    figures = row.figures
    assert figures is not None
    rate, ratio = figures.items_per_second, figures.ratio
    return (
        row.name,
        "too short" if rate is None else number(round(rate.median, 1 if rate.median < 100 else None)),
        "-" if ratio is None else f"{ratio.median:.2f}",
        "-" if figures.p50 is None else duration(figures.p50),
        "-" if figures.p99 is None else duration(figures.p99),
        duration(figures.startup),
        size(figures.peak),
        "none" if not figures.serialised else size(figures.serialised),
        "-" if figures.cpu_seconds is None else duration(figures.cpu_seconds),
        "-" if figures.cost_per_million is None else f"{figures.cost_per_million:.4g}",
    )


def _notes(found: Comparison, measured: Sequence[Row]) -> Iterator[tuple[str, str]]:
    for row in found.rows:
        yield row.name, row.what + (f"; {row.tuned}" if row.tuned else "")
        if row.refused:
            yield "", f"no figures: {row.refused}"
        for note in row.notes:
            yield "", note
    for row in measured:
        yield from _verdicts(row)
    short = [row.name for row in measured if _figures(row).items_per_second is None]
    if short:
        what = f"all items together take less than {duration(TOO_SHORT)}: more items, or more work in each, would tell"
        yield "too short", f"{', '.join(short)}: {what}"
    if found.failed:
        yield "failed", f"{count(found.failed, 'item')} failed, and alike in every row that has figures"
    for note in found.notes:
        yield "note", note
    if measured:
        yield from _terms(found, measured)


def _verdicts(row: Row) -> Iterator[tuple[str, str]]:
    figures = row.figures
    assert figures is not None
    if figures.ratio is None or row.name == "threads":
        return
    ratio = figures.ratio
    rounds = (
        f"{ratio.median:.2f} ({ratio.least:.2f} to {ratio.most:.2f})" if figures.rounds > 1 else f"{ratio.median:.2f}"
    )
    word = verdict(ratio)
    if word == "as fast":
        yield (
            "equal",
            f"{row.name}: as fast as threads here: {rounds}; speed is no reason to change",
        )
    elif word == "unclear":
        yield "unclear", f"{row.name}: faster in one round, slower in another: {rounds}; try again on a quiet machine"
    elif word == "faster":
        yield "faster", f"{row.name}: faster than threads here: {rounds}"


def _terms(found: Comparison, measured: Sequence[Row]) -> Iterator[tuple[str, str]]:
    rounds = max(_figures(row).rounds for row in measured)
    checked = "results checked equal" if len(measured) > 1 else "nothing to check its results against"
    yield "figures", f"medians of {count(rounds, 'round')} in turns; {checked}"
    yield "", "ratio: to threads, within each round; above 1 is faster"
    if any(row.name == "threads" for row in measured):
        yield "", "threads read the input and commit results to disk within their time; others have both in memory"
    kinds = {_figures(row).memory for row in measured}
    memory = "proportional shares (PSS)" if kinds == {"PSS"} else "resident sizes (RSS), so shared pages count twice"
    yield "", f"memory: the most that all its processes had together: {memory}"
    if any(row.name == "redis" for row in measured):
        yield "", "redis shares these CPUs with its workers, and one item is one message, as in Celery and RQ"
    if found.price is not None:
        yield (
            "",
            f"per million items: {found.cpus:g} CPUs held for as long as they take, at {found.price:g} an hour each",
        )
    if found.cpus < 2:
        yield "one CPU", "nothing runs in parallel here: the ratios tell what each costs, not how it scales"


def _figures(row: Row) -> Figures:
    assert row.figures is not None
    return row.figures
