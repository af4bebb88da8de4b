"""What a run's work would take as a fleet, as rows for a terminal; pure."""

import time
from collections.abc import Iterator

from orchestrator.report.collapse import Basis, Collapse
from orchestrator.report.lines import Row
from orchestrator.report.words import count, cpu_hours, size

NEVER = (
    "not computed: no comparison of this job with a Redis fleet is kept here. "
    "`ftorch compare JOB` makes one; --compare FILE names one from elsewhere"
)


def collapse_rows(found: Collapse | None, why: str) -> Iterator[Row]:
    """The work as a fleet and where the figures come from, or the one line why there are none."""
    if found is None:
        if why:
            yield "collapse", why
        return
    yield "collapse", f"computed, not measured: as a multiprocessing + Redis fleet the same work takes {_time(found)}"
    yield "", _hours(found)
    if found.memory_per_node is not None:
        yield "", _memory(found, found.memory_per_node)
    yield "", _source(found.basis)


def _time(found: Collapse) -> str:
    ratio = found.ratio
    spread = f" ({ratio.least:.2f} to {ratio.most:.2f})" if found.basis.rounds > 1 else ""
    return f"{ratio.median:.2f} times as long on as many CPUs{spread}"


def _hours(found: Collapse) -> str:
    work = found.work
    text = f"{cpu_hours(found.held_cpu_hours)} held instead of {cpu_hours(work.held_cpu_hours)}"
    if found.cpu_hours is not None:
        text += f", {cpu_hours(found.cpu_hours)} used instead of {cpu_hours(work.cpu_hours)}"
    if found.cost is not None and work.price is not None:
        text += f"; cost {found.cost:.4g} instead of {work.held_cpu_hours * work.price:.4g}"
    return text


def _memory(found: Collapse, a_node: int) -> str:
    work, processes = found.work, count(found.workers_per_node, "worker process")
    text = f"{size(a_node)} of memory a node ({processes})"
    if work.peak_rss:
        text += f" instead of {size(work.peak_rss)}"
    if work.nodes > 1:
        ours = f" instead of {size(work.peak_rss * work.nodes)}" if work.peak_rss else ""
        text += f", {size(a_node * work.nodes)} on {work.nodes} nodes{ours}"
    return text


def _source(basis: Basis) -> str:
    when = time.strftime(" of %Y-%m-%d %H:%M", time.localtime(basis.created)) if basis.created else ""
    where = f" on {basis.machine}" if basis.machine else ""
    rounds = count(basis.rounds, "round")
    what = f"{count(basis.items, 'item')} of {basis.job}, {basis.chosen}; {count(basis.workers, 'worker')}, {rounds}"
    return f"from `ftorch compare`{when}{where}: {what}; {basis.file}. A machine for the broker is not in it"
