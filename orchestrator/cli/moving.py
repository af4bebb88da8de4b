"""`ftorch audit script.py`: what it takes to make a job of a script, and its first files."""

from pathlib import Path

from orchestrator.audit.migration.report import audit_plan, plan_of
from orchestrator.audit.migration.writing import job_files, write_job
from orchestrator.audit.model import MigrationReport


def audit_script(path: Path, folder: Path | None) -> MigrationReport:
    """Read a script, and write the files of its first job if a folder is given.

    Raises:
        JobError: it cannot be read, has no pool, or the files cannot be written.
    """
    plan = plan_of(path)
    files = job_files(plan, folder) if folder is not None else {}
    found = audit_plan(plan)
    written = write_job(files, folder) if folder is not None else []
    return MigrationReport(
        found.subject,
        found.python,
        found.distributions,
        found.extensions,
        found.findings,
        found.seconds,
        written=[str(one) for one in written],
    )
