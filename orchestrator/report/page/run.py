"""A run's report as a page; pure."""

import time
from collections.abc import Iterable, Iterator

from orchestrator.engine.runreport import RunReport
from orchestrator.measure.node import NodeReport
from orchestrator.measure.scaling import Scaling
from orchestrator.report.lines import Row
from orchestrator.report.losses import NAMES
from orchestrator.report.page.bars import Bar, bars
from orchestrator.report.page.curve import scaling_drawing
from orchestrator.report.page.document import Figure, figures, page, rows_table, section
from orchestrator.report.page.markup import Markup, element, joined
from orchestrator.report.text import report_rows
from orchestrator.report.words import count, duration, number, share, size

_MOST_LANES = 64
_DULL = 0.8


def run_page(report: RunReport, more: Iterable[Row] = ()) -> str:
    """The report of a run, and rows more, as one HTML document."""
    several = len(report.nodes) > 1
    parts: list[str] = [element("h1", report.run), _state(report), figures(list(_figures(report)))]
    for at, node in enumerate(report.nodes, 1):
        parts += _node(node, f", worker {at}" if several else "")
    parts.append(section("All of it", rows_table([*report_rows(report), *more])))
    return page(f"{report.run}: {report.state}", parts)


def _state(report: RunReport) -> Markup:
    ended = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(report.ended))
    bad = report.state != "done" or report.failed > 0
    why = "" if report.state == "done" else f": {report.reason}"
    return element("p", f"{report.state}{why}, {ended}", class_="state bad" if bad else "state")


def _figures(report: RunReport) -> Iterator[Figure]:
    yield number(report.items), "items"
    if report.failed:
        yield number(report.failed), "failed"
    wall = sum(node.wall_seconds for node in report.nodes)
    items, nbytes = (sum(getattr(node, what) for node in report.nodes) for what in ("items", "nbytes"))
    if wall:
        yield duration(wall), "of work"
    if wall and items:
        yield number(items / wall), "items a second"
    if wall and nbytes:
        yield f"{size(nbytes / wall)}/s", "of input"
    if report.nodes:
        last = report.nodes[-1]
        yield str(last.threads.threads), last.backend.backend
        for scaling in [node.scaling for node in report.nodes if node.scaling is not None][:1]:
            yield from _most(scaling)
        yield size(max(node.peak_rss for node in report.nodes)), "memory at most"


def _most(scaling: Scaling) -> Iterator[Figure]:
    """The speedup of the most threads that have a CPU each."""
    for point in reversed(scaling.points):
        if point.speedup is not None and 1 < point.threads <= scaling.cpus:
            yield f"{point.speedup.value:.3g}", f"times one thread, by {point.threads}"
            return


def _node(node: NodeReport, which: str) -> Iterator[Markup]:
    yield section(f"How it scales{which}", *_scaling(node))
    yield section(f"What was lost{which}", *_lost(node))
    noun = "Threads" if node.backend.backend == "threads" else "Processes"
    yield section(f"{noun}{which}", *_lanes(node))


def _scaling(node: NodeReport) -> Iterator[str]:
    if node.scaling is None:
        if node.no_scaling:
            yield element("p", f"Not measured: {node.no_scaling}.")
        return
    drawing = scaling_drawing(node.scaling)
    if drawing is None:
        yield element("p", "No speedup could be told; why is below.")
        return
    yield drawing
    law = "; line: the Universal Scalability Law fitted to them" if node.scaling.law is not None else ""
    guess = "; hollow: what it predicts for larger nodes" if any(p.speedup for p in node.scaling.predictions) else ""
    yield element(
        "p", f"Points: measured on this job's items, with 95 % intervals; dots: ideal{law}{guess}.", class_="key"
    )


def _lost(node: NodeReport) -> Iterator[str]:
    diagnosis = node.diagnosis
    if diagnosis is None:
        return
    if diagnosis.lost is None:
        yield element("p", f"Not judged: {'; '.join(diagnosis.unjudged)}.")
        return
    found = [Bar(NAMES[each.cause], each.share, share(each.share), marked=True) for each in diagnosis.findings]
    yield bars([Bar("in all", diagnosis.lost, f"{share(diagnosis.lost)} of the CPU time"), *found])
    if not found:
        yield element("p", "No cause stands out.", class_="key")
    for each in diagnosis.findings:
        told = [element("b", NAMES[each.cause]), f": {each.evidence}. {each.advice}"]
        yield element("p", joined(told), class_="advice")


def _lanes(node: NodeReport) -> Iterator[str]:
    shown = node.lanes[:_MOST_LANES]
    if shown:
        yield bars(
            [
                Bar(
                    f"{lane.index}: {count(lane.items, 'item')}",
                    lane.busy,
                    f"{share(lane.busy)} of {duration(lane.wall_seconds)}",
                    marked=lane.busy < _DULL,
                )
                for lane in shown
            ]
        )
        yield element("p", "The share of its time in which each computed.", class_="key")
    if len(node.lanes) > _MOST_LANES:
        yield element("p", f"and {number(len(node.lanes) - _MOST_LANES)} more", class_="key")
