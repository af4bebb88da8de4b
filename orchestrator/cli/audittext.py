"""An audit's report as people read it; pure."""

from collections import Counter
from collections.abc import Iterator

from orchestrator.audit.model import AuditReport, Extension, MigrationReport
from orchestrator.audit.races.played import Probe
from orchestrator.report.lines import Row, labelled
from orchestrator.report.words import count, duration

MOVED = "FT400"
_NOTES_SHOWN = 8


def audit_text(report: AuditReport, width: int | None = None) -> str:
    """The report, ended with a newline; wrapped to so many columns, None for no wrapping."""
    matters = len(report.matters)
    verdict = "clean" if not matters else f"{count(matters, 'finding')} that matter" + ("s" if matters == 1 else "")
    return "\n".join([f"{report.subject}: {verdict}", *labelled(_rows(report), width)]) + "\n"


def _rows(report: AuditReport) -> Iterator[Row]:
    python = report.python
    gil = "with a GIL" if not python.free_threaded else f"free-threaded, GIL {'on' if python.gil_enabled else 'off'}"
    forced = f", forced {python.gil_forced}" if python.gil_forced else ""
    yield "python", f"{python.version} {gil}{forced}"
    yield "imported", _extensions([one for one in report.extensions if one.how == "imported"])
    ahead = [one for one in report.extensions if one.how != "imported"]
    yield "ahead", f"{_extensions(ahead)}; {count(report.distributions, 'distribution')} looked at"
    if report.probe is not None and report.probe.items:
        yield "tried", _probe(report.probe)
    notes = 0
    # What a call of a pool becomes is what a script was asked about: that first, and each of its notes.
    for one in sorted(report.findings, key=lambda one: one.rule != MOVED):
        if one.severity == "note" and not one.rule.startswith("FT4"):
            notes += 1
            if notes > _NOTES_SHOWN:
                continue
        place = f"{one.path}:{one.line}: " if one.line else ""
        yield "job" if one.rule == MOVED else one.severity, f"{one.rule} {place}{one.message}"
        yield "", one.fix
    if notes > _NOTES_SHOWN:
        yield "note", f"and {notes - _NOTES_SHOWN} more (--json has them all)"
    yield "time", duration(report.seconds)
    for path in report.written if isinstance(report, MigrationReport) else ():
        yield "wrote", path


def _probe(probe: Probe) -> str:
    told = f"{count(probe.items, 'item')}: one at a time, and two at a time in {probe.rounds} of {probe.of} rounds"
    return f"{told}; its time was over (--probe-time)" if probe.cut else told


def _extensions(extensions: list[Extension]) -> str:
    if not extensions:
        return "no extension modules"
    kinds = Counter[str](one.verdict for one in extensions)
    told = {
        "safe": "can do without the GIL",
        "needs": "turn it on",
        "undecided": "nobody can tell",
        "foreign": "for another Python",
        "unread": "not read",
    }
    parts = [f"{kinds[kind]} {words}" for kind, words in told.items() if kinds[kind]]
    return f"{count(len(extensions), 'extension module')}: {', '.join(parts)}"
