"""`ftorch audit`: what would turn the GIL back on in a job, and what in it would race, before it runs."""

import sys
from pathlib import Path

import click

from orchestrator.cli.options import job_argument, json_option, load, overrides_option
from orchestrator.errors import DONE

FINDINGS = 1

EPILOG = """\b
Examples:
  ftorch audit job.yaml
  ftorch audit job.yaml --no-probe               do not run the task
  ftorch audit --package pandas                  before you write the job
  ftorch audit --environment --json              everything that is installed
  ftorch audit job.yaml --sarif > audit.sarif    for code hosts and editors

\b
Exit codes: 0 nothing that matters (notes may be there); 1 findings that matter; 2 the job file is wrong.
"""


@click.command(epilog=EPILOG)
@job_argument(required=False)
@click.option("--package", metavar="NAME", help="Audit an installed distribution instead of a job.")
@click.option("--environment", is_flag=True, help="Audit everything that is installed, by reading.")
@click.option(
    "--timeout",
    type=click.FloatRange(1),
    default=60.0,
    show_default=True,
    help="Seconds that importing the job may take.",
    metavar="SECONDS",
)
@click.option(
    "--probe/--no-probe",
    default=True,
    show_default=True,
    help="Run the task on up to 16 items of JOB, alone and on two threads, and compare.",
)
@click.option("--sarif", is_flag=True, help="Print SARIF 2.1.0.")
@overrides_option
@json_option
def command(
    job: Path | None,
    package: str | None,
    environment: bool,
    timeout: float,
    probe: bool,
    sarif: bool,
    overrides: tuple[str, ...],
    as_json: bool,
) -> int:
    """Say which extensions turn the GIL on in JOB, or would when loaded, what in its code races, and what to do.

    The job's module is imported, and its task run on a few items, in processes of their own; everything else that it
    can reach is read from its files. --no-probe runs nothing.
    """
    _check(job, package, environment, sarif and as_json)
    from orchestrator.audit.examine import audit_environment, audit_job, audit_package
    from orchestrator.cli.audittext import audit_text
    from orchestrator.cli.show import print_json
    from orchestrator.cli.streams import say, width_of
    from orchestrator.version import __version__

    if package is not None:
        report = audit_package(package, timeout)
    elif job is not None:
        job_file, spec = load(job, overrides)
        report = audit_job(spec, job_file.parent, timeout, probe)
    else:
        report = audit_environment()
    if sarif:
        from orchestrator.audit.sarif import sarif_of

        print_json(sarif_of(report.findings, __version__))
    elif as_json:
        print_json(report)
    else:
        say(audit_text(report, width_of(sys.stdout)).rstrip("\n"))
    return FINDINGS if report.matters else DONE


def _check(job: Path | None, package: str | None, environment: bool, both: bool) -> None:
    """Options that mean nothing together are mistakes, told before anything else is looked at."""
    if (job is not None) + (package is not None) + environment != 1:
        raise click.UsageError("name one thing: a job file, --package NAME, or --environment")
    if both:
        raise click.UsageError("--json and --sarif are two formats: choose one")
