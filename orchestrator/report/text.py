"""A run's report, and a plan, as text for a terminal; pure."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from orchestrator.engine.runreport import RunReport
from orchestrator.inputs.paths import shown
from orchestrator.measure.node import NodeReport
from orchestrator.report.lines import Row, Verbatim, labelled
from orchestrator.report.losses import losses
from orchestrator.report.scaling import scaling_rows
from orchestrator.report.words import count, duration, number, share, size
from orchestrator.run.commands import resume_command, retry_command

if TYPE_CHECKING:
    from orchestrator.engine.explain import Explanation

_THROTTLED_MATTERS = 0.01
_LANES_SHOWN = 16
_RESTARTS_SHOWN = 8
_RATE_FROM_SECONDS = 0.001


def report_text(report: RunReport, width: int | None = None) -> str:
    """The report of a run, ended with a newline; wrapped to so many columns, None for no wrapping."""
    title = f"{report.run}: {report.state}" + ("" if report.state == "done" else f" ({report.reason})")
    return "\n".join([title, *labelled(report_rows(report), width)]) + "\n"


def node_text(title: str, node: NodeReport, more: Iterable[Row], width: int | None = None) -> str:
    """A node's report under a title, and rows more, ended with a newline; wrapped as the others."""
    return "\n".join([title, *labelled([*_node_rows(node), *more], width)]) + "\n"


def plan_text(plan: Explanation, width: int | None = None) -> str:
    """What `ftorch plan` says, ended with a newline; wrapped to so many columns, None for no wrapping."""
    return "\n".join([f"{plan.name}: {plan.task}", *labelled(_plan_rows(plan), width)]) + "\n"


def report_rows(report: RunReport) -> Iterator[Row]:
    """All that the report tells, row by row."""
    for node in report.nodes:
        yield from _node_rows(node)
    yield "items", _items(report)
    if report.failed:
        yield from _failure_rows(report)
    for note in report.notes:
        yield "note", note
    yield from _restart_rows(report)
    if report.output is not None:
        yield "output", Verbatim(_output(report))
    yield "run", Verbatim(report.folder)
    if report.state == "interrupted":
        yield "next", Verbatim(resume_command(report.folder))


def _restart_rows(report: RunReport) -> Iterator[Row]:
    for note in report.restarts[:_RESTARTS_SHOWN]:
        yield "restart", note
    if len(report.restarts) > _RESTARTS_SHOWN:
        yield "", f"and {number(len(report.restarts) - _RESTARTS_SHOWN)} more (--json has them all)"


def _items(report: RunReport) -> str:
    if report.total_items == 0 or (report.items == 0 and report.state == "done"):
        return "none: the input is empty"
    total = f" of {number(report.total_items)}" if report.total_items not in (None, report.items) else ""
    nbytes = f", {size(report.nbytes)}" if report.nbytes else ""
    return f"{number(report.items)}{total}{nbytes}" + (f", {number(report.failed)} failed" if report.failed else "")


def _output(report: RunReport) -> str:
    assert report.output is not None
    many = f" in {count(report.output.files, 'file')}" if report.output.files != 1 else ""
    nbytes = f" ({size(report.output.bytes)}{many})" if report.output.bytes else many
    return f"{report.output.path}{nbytes}"


def _failure_rows(report: RunReport) -> Iterator[Row]:
    for failure in report.examples:
        tried = f" (tried {failure.attempts} times)" if failure.attempts > 1 else ""
        yield "failed", f"{shown(str(failure.key))}: {_what(failure.type, failure.error)}{tried}"
    if report.failed > len(report.examples):
        yield "", f"and {number(report.failed - len(report.examples))} more"
    yield "", Verbatim(f"all of them, with tracebacks: {report.failures}")
    if report.state != "interrupted":
        yield "", Verbatim(f"do them again: {retry_command(report.folder)}")


def _what(kind: str, error: str) -> str:
    """An exception's name and words; many have none: SystemExit, KeyboardInterrupt, StopIteration."""
    return f"{kind}: {error}" if error else kind


def _node_rows(node: NodeReport) -> Iterator[Row]:
    host, python = node.host, node.host.interpreter
    yield "host", f"{host.hostname}, {host.cpu_model or 'CPU of unknown model'}, {count(host.affinity, 'CPU')}"
    yield "python", f"{python.version} {_gil(node)}"
    yield node.backend.backend, f"{node.threads.threads}: {node.threads.reason}"
    if node.backend.backend != "threads":
        yield "", node.backend.reason
    yield "time", _time(node)
    yield "cpu", _cpu(node)
    yield "memory", f"{size(node.peak_rss)} at most"
    if node.throttled is not None and node.throttled.seconds > _THROTTLED_MATTERS * node.wall_seconds:
        yield "throttled", f"{duration(node.throttled.seconds)} by the CPU quota ({node.throttled.where})"
    yield "chunks", _chunks(node)
    if node.pauses.count or (node.collecting is not None and node.collecting.reason):
        yield "gc", _gc(node)
    if node.scaling is not None:
        yield from scaling_rows(node.scaling)
    elif node.no_scaling:
        yield "scaling", node.no_scaling
    yield from losses(node)
    for warning in node.warnings:
        yield "warning", warning


def _gil(node: NodeReport) -> str:
    if not node.host.interpreter.free_threaded:
        return "with a GIL"
    return f"free-threaded, GIL {'on' if node.gil_enabled else 'off'}"


def _time(node: NodeReport) -> str:
    wall = node.wall_seconds
    parts = [duration(wall)]
    if wall >= _RATE_FROM_SECONDS and node.items:
        parts.append(f"{number(node.items / wall)} items/s")
    if wall >= _RATE_FROM_SECONDS and node.nbytes:
        parts.append(f"{size(node.nbytes / wall)}/s")
    return ", ".join(parts) + f"; {duration(node.setup_seconds)} of set-up before"


def _cpu(node: NodeReport) -> str:
    """CPU seconds of the whole worker, and of each lane the share of its time in which it computed."""
    lanes = " ".join(share(lane.busy) for lane in node.lanes[:_LANES_SHOWN])
    more = f" … ({len(node.lanes)} in all)" if len(node.lanes) > _LANES_SHOWN else ""
    noun = "thread" if node.backend.backend == "threads" else "process"
    busy = f"; each {noun} busy {lanes}{more}" if node.lanes else ""
    used = duration(node.user_seconds + node.system_seconds)
    return f"{used}, {duration(node.system_seconds)} of it in the kernel{busy}"


def _gc(node: NodeReport) -> str:
    """How garbage was collected in the end, and why; and the pauses of it."""
    pauses, chosen = node.pauses, node.collecting
    heard = f"{count(pauses.count, 'pause')}, {duration(pauses.seconds)} in all, the longest {duration(pauses.longest)}"
    return f"{chosen.mode}: {chosen.reason}; {heard}" if chosen is not None and chosen.reason else heard


def _chunks(node: NodeReport) -> str:
    chunks = node.chunks
    commits = f"; {count(node.commits, 'commit')}" if node.commits else ""
    if not chunks.count:
        return f"none{commits}"
    each = count(chunks.smallest, "item")
    if chunks.smallest != chunks.largest:
        mean = number(round(chunks.mean, 1))
        each = f"{number(chunks.smallest)} to {count(chunks.largest, 'item')} ({mean} on average)"
    return f"{count(chunks.count, 'chunk')} of {each}, {duration(chunks.seconds_each)} each{commits}"


def _plan_rows(plan: Explanation) -> Iterator[Row]:
    items = "as many items as the text has" if plan.items is None else count(plan.items, "item")
    yield "input", f"{items}, {size(plan.nbytes)}" if plan.nbytes else items
    if plan.first:
        more = ", …" if plan.splits > len(plan.first) else ""
        yield "", ", ".join(plan.first) + more
    if not plan.splits:
        yield "warning", "the input is empty: the run would end at once, with an empty output"
    cut = ", cut further while the job runs" if plan.cuttable else ""
    yield "splits", f"{number(plan.splits)}{cut}"
    for note in plan.notes:
        yield "note", note
    yield plan.backend.backend, f"{plan.threads.threads}: {plan.threads.reason}"
    yield "", plan.backend.reason
    for warning in (*plan.threads.warnings, *plan.backend.warnings):
        yield "warning", warning
    yield "task", f"imported in {duration(plan.import_seconds)}"
    yield "writes", "no output" if plan.output is None else f"{plan.output} ({plan.output_format})"
    yield "", f"and the run's state below {plan.runs}"
    if plan.refusal is not None:
        yield "refused", f"`ftorch submit` would refuse this now: {plan.refusal}"
