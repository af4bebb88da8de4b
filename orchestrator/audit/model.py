"""What an audit found, as data."""

from typing import Literal

from msgspec import Struct

from orchestrator.audit.findings import Finding
from orchestrator.audit.races.played import Probe
from orchestrator.host.extension import Kind
from orchestrator.host.interpreter import InterpreterFacts


class Extension(Struct, frozen=True):
    """An extension module's file, and what is known of it.

    Attributes:
        name: the module.
        distribution, version: who brought it; "" where nobody says so, as for the standard library.
        verdict: "safe" leaves the GIL off, "needs" turns it on; the others say that it is no such module.
        how: "imported" by the job, "read" from the file, or "loaded" alone to find out.
        reason: why.
        chain: the modules, or the distributions, that lead there.
    """

    name: str
    path: str
    distribution: str
    version: str
    verdict: Kind
    how: Literal["imported", "read", "loaded"]
    reason: str
    chain: tuple[str, ...] = ()


class AuditReport(Struct, frozen=True):
    """What an audit found.

    Attributes:
        subject: the job, the package or the environment.
        distributions: how many installed distributions it looked at.
        extensions: those that were imported or read, without plain libraries.
        probe: how far the task was tried on a sample; None where it was not meant to be.
        seconds: how long it took.
    """

    subject: str
    python: InterpreterFacts
    distributions: int
    extensions: list[Extension]
    findings: list[Finding]
    seconds: float
    probe: Probe | None = None

    @property
    def matters(self) -> list[Finding]:
        """The findings for which the command ends with 1."""
        return [one for one in self.findings if one.severity != "note"]


class MigrationReport(AuditReport, frozen=True):
    """What an audit of a script that uses a pool found.

    Attributes:
        written: the files of the first job, if they were asked for.
    """

    written: list[str] = []
