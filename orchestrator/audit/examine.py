"""The audit of a job, of a package, or of all that is installed: reads, runs in other processes, and concludes."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.audit.beside import Beside, beside_of
from orchestrator.audit.closure import closure_of
from orchestrator.audit.distributions import Environment, normalised
from orchestrator.audit.extensions import imported, read_ahead, read_beside
from orchestrator.audit.findings import Finding
from orchestrator.audit.judging import extension_findings, held_back, outcome_findings, unreadable_findings
from orchestrator.audit.model import AuditReport
from orchestrator.audit.observed import Observed, Target
from orchestrator.audit.probe import observe
from orchestrator.audit.races.lint import lint
from orchestrator.audit.races.played import Tried
from orchestrator.audit.races.running import Stage
from orchestrator.audit.reach import Import, reach_of
from orchestrator.audit.roots import Roots, import_paths, roots_of
from orchestrator.audit.runtime import runtime_findings
from orchestrator.audit.settling import settle
from orchestrator.errors import JobError
from orchestrator.host.interpreter import interpreter_facts
from orchestrator.host.verdicts import Verdicts
from orchestrator.spec.model import JobSpec

_RANK = {"error": 0, "warning": 1, "note": 2}
_LOADING_LIMIT = 20.0
_UNREAD = "FT199"


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is looked at.

    Attributes:
        targets: what to import.
        roots: the distributions that it starts from.
        imports: its own imports by these, and by the modules of `beside`.
        beside: the extension modules that it imports, and that no distribution brought.
        first: what is known before anything is imported.
        reading: gives what the task's source says, read while it is imported.
        trying: runs the task on a few items, if that is wanted.
    """

    name: str
    targets: Sequence[Target]
    roots: Roots
    imports: dict[str, Import]
    first: Sequence[Finding]
    reading: Callable[[], list[Finding]] = list
    trying: Callable[[], Tried] | None = None
    beside: Sequence[Beside] = ()


def audit_job(spec: JobSpec, base: Path, limit: float = 60.0, budget: float | None = None) -> AuditReport:
    """Audit a job: what its task's module imports now, what it can reach, and what in it races.

    Args:
        spec: the job.
        base: its folder.
        limit: seconds that importing the task may take.
        budget: also run the task on a few items, alone and on threads, for about so many seconds of CPU time.
    """
    started = time.perf_counter()
    if budget is None:
        environment = Environment(import_paths(spec.task.partition(":")[0], base))
        return _examine(_job(spec, base, environment), environment, limit, started)
    # Started ahead: it gets ready while files are read.
    with Stage() as stage:
        environment = Environment(import_paths(spec.task.partition(":")[0], base))
        subject = replace(_job(spec, base, environment), trying=lambda: stage.run(spec, base, budget))
        return _examine(subject, environment, limit, started)


def audit_package(name: str, limit: float = 60.0) -> AuditReport:
    """Audit an installed distribution: what its modules import, and what it can reach.

    Raises:
        JobError: it is not installed.
    """
    started = time.perf_counter()
    environment = Environment()
    found = environment.distributions.get(normalised(name))
    if found is None:
        [*known] = environment.of_module(name)
        hint = f"Did you mean {known[0].name}?" if known else "`pip list` lists what is installed."
        raise JobError(f"no distribution {name!r} is installed in {sys.prefix}", hint=hint)
    targets = [Target("module", module) for module in sorted(found.modules) if not module.startswith(("_", "test"))]
    subject = _Subject(f"{found.name} {found.version}", targets, {found.name: ()}, {}, _first())
    return _examine(subject, environment, limit, started)


def audit_environment() -> AuditReport:
    """Audit everything that is installed, by reading; nothing is imported but what reading cannot tell."""
    started = time.perf_counter()
    environment = Environment()
    subject = _Subject(sys.prefix, (), dict.fromkeys(environment.distributions, ()), {}, ())
    return _examine(subject, environment, _LOADING_LIMIT, started)


def audit_read(name: str, path: Path, findings: Sequence[Finding]) -> AuditReport:
    """Audit what a Python file imports, by reading: nothing of it is run.

    Args:
        name: what it is called in the report.
        path: the file.
        findings: what was found in it.
    """
    started = time.perf_counter()
    target, base = f"./{path.name}", path.absolute().parent
    environment = Environment(import_paths(target, base))
    roots, imports = roots_of(target, reach_of(target, base), environment)
    subject = _Subject(name, (), roots, imports, [*_first(), *findings])
    return _examine(subject, environment, _LOADING_LIMIT, started)


def _first() -> list[Finding]:
    return [*runtime_findings(interpreter_facts())]


def _job(spec: JobSpec, base: Path, environment: Environment) -> _Subject:
    """What a job imports, by reading; importing is left out where that cannot succeed."""
    target = spec.task.partition(":")[0]
    reach = reach_of(target, base)
    roots, imports = roots_of(target, reach, environment)
    first = [
        *runtime_findings(interpreter_facts(), spec.runtime.free_threading),
        *unreadable_findings(reach.unreadable),
    ]
    targets = () if reach.unreadable else (Target("task", target, str(base)),)
    beside = beside_of(reach, import_paths(target, base))
    imports |= {normalised(one.module): one.found for one in beside}
    return _Subject(spec.name, targets, roots, imports, first, lambda: lint(spec.task, base), beside=beside)


def _examine(subject: _Subject, environment: Environment, limit: float, started: float) -> AuditReport:
    python, verdicts = interpreter_facts(), Verdicts()
    with ThreadPoolExecutor(1) as beside:
        importing = beside.submit(_try, subject, limit)
        reached = closure_of(environment, subject.roots)
        ahead = [*read_ahead(reached, verdicts), *read_beside(subject.beside, verdicts)]
        races = subject.reading()
        observed, tried = importing.result()
    now = imported(observed, environment, verdicts)
    seen = {os.path.realpath(one.path) for one in now}
    # An editable distribution's own may lie beside the job, too.
    later = {os.path.realpath(one.path): one for one in reversed(ahead) if os.path.realpath(one.path) not in seen}
    extensions = [*now, *settle([*later.values()][::-1], _LOADING_LIMIT, verdicts)]
    verdicts.save()
    findings = [
        *subject.first,
        # What cannot be read is said better by an import that fails.
        *(one for one in races if one.rule != _UNREAD or _went_well(observed)),
        *(tried.findings if tried else ()),
        *outcome_findings(observed.outcomes, subject.name),
        *extension_findings(extensions, environment, subject.imports, python.free_threaded),
        *held_back(reached),
    ]
    return AuditReport(
        subject=subject.name,
        python=python,
        distributions=len(reached),
        extensions=extensions,
        findings=sorted(findings, key=lambda one: (_RANK[one.severity], one.rule)),
        seconds=time.perf_counter() - started,
        probe=tried.probe if tried else None,
    )


def _try(subject: _Subject, limit: float) -> tuple[Observed, Tried | None]:
    """Import it, and run it if that went well."""
    observed = observe(subject.targets, limit)
    return observed, subject.trying() if subject.trying is not None and _went_well(observed) else None


def _went_well(observed: Observed) -> bool:
    return bool(observed.outcomes) and all(one.error is None for one in observed.outcomes)
