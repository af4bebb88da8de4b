"""The report of a run on several nodes, as text for a terminal; pure."""

from collections.abc import Iterator, Sequence

from orchestrator.report.cluster import STRAGGLES, ClusterReport, ShardRow
from orchestrator.report.lines import Row, labelled
from orchestrator.report.losses import NAMES
from orchestrator.report.words import count, duration, number, share, size

_ROWS_SHOWN = 16
_STRAGGLERS_SHOWN = 5
_HEADS = ("SHARD", "WHERE", "STATE", "ITEMS", "FAILED", "TIME", "CPU", "THREADS", "SPEEDUP", "EFF", "LOST", "RESTARTS")


def cluster_text(report: ClusterReport, width: int | None = None) -> str:
    """The report for a terminal, ended with a newline; wrapped to so many columns, None for no wrapping."""
    title = f"{report.run}: {count(len(report.rows), 'shard')} of {number(report.shards)} reported"
    table = [f"  {line}" for line in _table(_shown(report))]
    return "\n".join([title, *table, *labelled(_rows(report), width)]) + "\n"


def _shown(report: ClusterReport) -> list[ShardRow]:
    """All rows, or those that took longest where they are many."""
    if len(report.rows) <= _ROWS_SHOWN:
        return report.rows
    slowest = sorted(report.rows, key=lambda row: -row.wall_seconds)[:_ROWS_SHOWN]
    return sorted(slowest, key=lambda row: row.shard)


def _table(rows: Sequence[ShardRow]) -> list[str]:
    cells = [_HEADS, *map(_cells, rows)]
    used = [at for at in range(len(_HEADS)) if any(row[at] for row in cells[1:])]
    widths = {at: max(len(row[at]) for row in cells) for at in used}
    return ["  ".join(f"{row[at]:<{widths[at]}}" for at in used).rstrip() for row in cells]


def _cells(row: ShardRow) -> tuple[str, ...]:
    evicted = f" + {row.evictions} evicted" if row.evictions else ""
    return (
        str(row.shard),
        "/".join(filter(None, (row.node, row.pod))),
        row.state,
        number(row.items),
        number(row.failed) if row.failed else "",
        duration(row.wall_seconds),
        duration(row.cpu_seconds),
        f"{row.threads}" + (f" of {row.quota:g} CPUs" if row.quota is not None else ""),
        "" if row.speedup is None else f"{row.speedup:.3g}",
        "" if row.efficiency is None else share(row.efficiency),
        "" if not row.cause or row.lost is None else f"{share(row.lost)} {_name(row.cause)}",
        f"{row.restarts or ''}{evicted}",
    )


def _rows(report: ClusterReport) -> Iterator[Row]:
    if len(report.rows) > _ROWS_SHOWN:
        yield "", f"the {_ROWS_SHOWN} shards that took longest (--json has them all)"
    nbytes = f", {size(report.nbytes)}" if report.nbytes else ""
    yield "items", number(report.items) + nbytes + (f", {number(report.failed)} failed" if report.failed else "")
    yield "time", f"{duration(report.wall_seconds)} for the longest shard, {duration(report.median_seconds)} the median"
    if report.balance is not None:
        yield "balance", f"{share(report.balance)}: the mean of the shards' times over the longest"
    if report.stragglers:
        some = ", ".join(map(str, report.stragglers[:_STRAGGLERS_SHOWN]))
        more = ", …" if len(report.stragglers) > _STRAGGLERS_SHOWN else ""
        yield (
            "stragglers",
            f"{count(len(report.stragglers), 'shard')} over {STRAGGLES:g} times the median: {some}{more}",
        )
    used = f"{number(round(report.cpu_hours, 4))} CPU-hours used of {number(round(report.held_cpu_hours, 4))} held"
    yield "cpu", used
    if report.cost is not None and report.price is not None:
        yield "cost", f"{report.cost:.4g}: the CPU-hours held while workers worked, at {report.price:g} each"
    for cause, lost in report.causes.items():
        yield "lost", f"{share(lost)} {_name(cause)}, where that was a shard's largest loss"
    if report.restarts:
        yield "restarts", f"{count(report.restarts, 'worker')} died or were replaced"
    if report.evictions:
        yield "evictions", number(report.evictions)


def _name(cause: str) -> str:
    return NAMES.get(cause, cause)
