"""What the interpreter itself means for a job; pure."""

from collections.abc import Iterator
from typing import Literal

from orchestrator.audit.findings import Finding
from orchestrator.audit.rules import Fact, finding
from orchestrator.host.interpreter import HOW_TO_GET_ONE, InterpreterFacts


def runtime_findings(
    python: InterpreterFacts, free_threading: Literal["required", "preferred"] = "preferred"
) -> Iterator[Finding]:
    """What holds a job back on this Python, whatever it imports.

    Args:
        python: what it is.
        free_threading: `runtime.free_threading` of the job.
    """
    if not python.free_threaded:
        severity: Literal["error", "warning"] = "error" if free_threading == "required" else "warning"
        yield finding("FT001", Fact(f"this Python has a GIL: {python}", HOW_TO_GET_ONE), severity)
    elif python.gil_forced == "on":
        fact = Fact(
            f"forced: PYTHON_GIL=1 or -X gil=1 keeps the GIL on: {python}", "Unset PYTHON_GIL, and leave out -X gil=1."
        )
        yield finding("FT002", fact)
    elif python.gil_forced == "off":
        fact = Fact(
            f"forced: PYTHON_GIL=0 or -X gil=0 keeps the GIL off: {python}",
            "Unset PYTHON_GIL, and leave out -X gil=0: with extensions that need no GIL it is off anyway.",
        )
        yield finding("FT003", fact)
    if any(mark in python.version for mark in ("a", "b", "rc")):
        yield finding("FT004", Fact(f"{python.version} is no final release", "Run what matters on a final release."))
