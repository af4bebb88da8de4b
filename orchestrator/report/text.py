"""A run's report as text for a terminal; pure."""

from collections.abc import Iterator

from orchestrator.engine.explain import Explanation
from orchestrator.engine.runreport import RunReport
from orchestrator.measure.node import NodeReport
from orchestrator.report.words import count, duration, number, share, size

_LABEL = 11
_THROTTLED_MATTERS = 0.01


def report_text(report: RunReport) -> str:
    """The report of a run, ended with a newline."""
    return "\n".join(_report_lines(report)) + "\n"


def plan_text(plan: Explanation) -> str:
    """What `ftorch plan` says, ended with a newline."""
    return "\n".join(_plan_lines(plan)) + "\n"


def _line(label: str, text: str) -> str:
    return f"  {label:<{_LABEL}} {text}"


def _report_lines(report: RunReport) -> Iterator[str]:
    yield f"{report.run}: {report.state}" + ("" if report.state == "done" else f" ({report.reason})")
    for node in report.nodes:
        yield from _node_lines(node)
    yield _line("items", _items(report))
    if report.failed:
        yield from _failure_lines(report)
    for note in report.notes:
        yield _line("note", note)
    if report.output is not None:
        yield _line("output", _output(report))
    yield _line("run", report.folder)
    if report.state == "interrupted":
        yield _line("next", f"ftorch submit --run {report.folder} --resume")


def _items(report: RunReport) -> str:
    total = f" of {number(report.total_items)}" if report.total_items not in (None, report.items) else ""
    nbytes = f", {size(report.nbytes)}" if report.nbytes else ""
    return f"{number(report.items)}{total}{nbytes}" + (f", {number(report.failed)} failed" if report.failed else "")


def _output(report: RunReport) -> str:
    assert report.output is not None
    many = f" in {count(report.output.files, 'file')}" if report.output.files != 1 else ""
    nbytes = f" ({size(report.output.bytes)}{many})" if report.output.bytes else many
    return f"{report.output.path}{nbytes}"


def _failure_lines(report: RunReport) -> Iterator[str]:
    for failure in report.examples:
        tried = f" (tried {failure.attempts} times)" if failure.attempts > 1 else ""
        yield _line("failed", f"{failure.key}: {failure.type}: {failure.error}{tried}")
    if report.failed > len(report.examples):
        yield _line("", f"and {number(report.failed - len(report.examples))} more")
    yield _line("", f"all of them, with tracebacks: {report.failures}")
    yield _line("", f"do them again: ftorch submit --retry-failed {report.folder}")


def _node_lines(node: NodeReport) -> Iterator[str]:
    host, python = node.host, node.host.interpreter
    yield _line("host", f"{host.hostname}, {host.cpu_model or 'CPU of unknown model'}, {count(host.affinity, 'CPU')}")
    yield _line("python", f"{python.version} {_gil(node)}")
    yield _line("threads", f"{_lanes(node.threads.threads, node.backend.backend)}: {node.threads.reason}")
    if node.backend.backend != "threads":
        yield _line("", node.backend.reason)
    yield _line("time", _time(node))
    yield _line("busy", _busy(node))
    if node.throttled is not None and node.throttled.seconds > _THROTTLED_MATTERS * node.wall_seconds:
        yield _line("throttled", f"{duration(node.throttled.seconds)} by the CPU quota ({node.throttled.where})")
    yield _line("chunks", _chunks(node))
    if node.pauses.count:
        pauses = f"{count(node.pauses.count, 'pause')}, {duration(node.pauses.seconds)} in all"
        yield _line("gc", f"{pauses}, the longest {duration(node.pauses.longest)}")
    for warning in node.warnings:
        yield _line("warning", warning)


def _lanes(number_of: int, backend: str) -> str:
    return f"{number_of} {backend}" if number_of != 1 else f"1 {'thread' if backend == 'threads' else 'process'}"


def _gil(node: NodeReport) -> str:
    build = "free-threaded" if node.host.interpreter.free_threaded else "with a GIL"
    if not node.host.interpreter.free_threaded:
        return build
    return f"{build}, GIL {'on' if node.gil_enabled else 'off'}"


def _time(node: NodeReport) -> str:
    cpu = node.user_seconds + node.system_seconds
    rate = f", {number(node.items / node.wall_seconds)} items/s" if node.wall_seconds and node.items else ""
    speed = f", {size(node.nbytes / node.wall_seconds)}/s" if node.wall_seconds and node.nbytes else ""
    setup = f", after {duration(node.setup_seconds)} of set-up"
    return (
        f"{duration(node.wall_seconds)}{rate}{speed}; CPU {duration(cpu)}{setup}; peak {size(node.peak_rss)} of memory"
    )


def _busy(node: NodeReport) -> str:
    shown = " ".join(share(lane.busy) for lane in node.lanes[:16])
    more = f" … ({len(node.lanes)} in all)" if len(node.lanes) > 16 else ""
    return f"{shown}{more} of each thread's time"


def _chunks(node: NodeReport) -> str:
    chunks = node.chunks
    if not chunks.count:
        return "none"
    items = f"{number(chunks.smallest)} to {number(chunks.largest)} items, {number(round(chunks.mean, 1))} on average"
    commits = count(node.commits, "commit")
    return f"{count(chunks.count, 'chunk')} of {items}, {duration(chunks.seconds_each)} each; {commits}"


def _plan_lines(plan: Explanation) -> Iterator[str]:
    yield f"{plan.name}: {plan.task}"
    items = "as many items as the text has" if plan.items is None else count(plan.items, "item")
    yield _line("input", f"{items}, {size(plan.nbytes)}" if plan.nbytes else items)
    if plan.first:
        more = ", …" if plan.splits > len(plan.first) else ""
        yield _line("", ", ".join(plan.first) + more)
    if not plan.splits:
        yield _line("warning", "the input is empty")
    cut = "; they are cut further while the job runs" if plan.cuttable else ""
    yield _line("splits", f"{number(plan.splits)}{cut}")
    for note in plan.notes:
        yield _line("note", note)
    yield _line("threads", f"{_lanes(plan.threads.threads, plan.backend.backend)}: {plan.threads.reason}")
    yield _line("", plan.backend.reason)
    for warning in (*plan.threads.warnings, *plan.backend.warnings):
        yield _line("warning", warning)
    yield _line("task", f"imported in {duration(plan.import_seconds)}")
    written = "nothing" if plan.output is None else f"{plan.output} ({plan.output_format})"
    yield _line("writes", written)
    yield _line("", f"and a run below {plan.runs}")
    if plan.refusal is not None:
        yield _line("refused", plan.refusal.replace("\n", f"\n{'':<{_LABEL + 3}}"))
