"""What a node lost of its capacity, as rows for a terminal; pure."""

from collections.abc import Iterator

from orchestrator.measure.diagnosis import Diagnosis
from orchestrator.measure.node import NodeReport
from orchestrator.report.lines import Row
from orchestrator.report.words import share

NAMES = {
    "gil": "GIL on",
    "quota": "CPU quota",
    "lock": "waiting for a lock",
    "sharing": "more CPU for each item",
    "crowding": "more threads than CPUs",
    "neighbours": "busy machine",
    "io": "waiting outside Python",
    "gc": "garbage collection",
    "tail": "uneven end",
    "input": "waiting for input",
    "output": "slow output",
}
_MATTERS = 0.005


def losses(node: NodeReport) -> Iterator[Row]:
    """A line with what was lost, and one for each cause; a run too short to be judged says just that."""
    diagnosis = node.diagnosis
    if diagnosis is None:
        return
    if diagnosis.lost is None:
        yield "lost", f"not judged: {'; '.join(diagnosis.unjudged)}"
        return
    yield "lost", _headline(diagnosis)
    for finding in diagnosis.findings:
        cost = f"{share(finding.share)} " if finding.share >= _MATTERS else ""
        yield "", f"{cost}{NAMES[finding.cause]}: {finding.evidence}. {finding.advice}"


def _headline(diagnosis: Diagnosis) -> str:
    assert diagnosis.lost is not None
    lost = f"{share(diagnosis.lost)} of the CPU time there was"
    return lost if diagnosis.findings else f"{lost}; no cause stands out"
