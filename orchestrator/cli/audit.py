"""`ftorch audit`: what would turn the GIL back on in a job, what would race, and what a script with a pool needs."""

from pathlib import Path

import click

from orchestrator.cli.options import json_option, load, overrides_option
from orchestrator.errors import DONE

FINDINGS = 1
SCRIPTS = (".py", ".pyw", ".ipynb")

EPILOG = """\b
Examples:
  ftorch audit job.yaml
  ftorch audit job.yaml --no-probe               do not run the task
  ftorch audit job.yaml --probe-time 10          run a slow task on more items, and more often
  ftorch audit --package pandas                  before you write the job
  ftorch audit --environment --json              everything that is installed
  ftorch audit job.yaml --sarif > audit.sarif    for code hosts and editors
  ftorch audit resize.py                         a script that uses multiprocessing, concurrent.futures or joblib
  ftorch audit resize.py --write resize-job      and a first job.yaml and task.py

\b
Exit codes: 0 nothing that matters (notes may be there); 1 findings that matter; 2 the job file or the script is wrong.
"""


@click.command(epilog=EPILOG)
@click.argument("job", type=click.Path(path_type=Path), required=False, metavar="JOB|SCRIPT")
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
@click.option(
    "--probe-time",
    type=click.FloatRange(0.1),
    default=0.4,
    show_default=True,
    help="Seconds of CPU time that running the task may take, about.",
    metavar="SECONDS",
)
@click.option(
    "--write",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="For a script: write a first job.yaml and task.py into DIR.",
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
    probe_time: float,
    write: Path | None,
    sarif: bool,
    overrides: tuple[str, ...],
    as_json: bool,
) -> int:
    """Say which extensions turn the GIL on in JOB, or would when loaded, what in its code races, and what to do.

    Of a SCRIPT that uses a pool of processes or threads, say what it takes to make a job of it; nothing of it is run.

    The job's module is imported, and its task run on a few items, in processes of their own; everything else that it
    can reach is read from its files. --no-probe runs nothing.
    """
    script = job is not None and is_script(job)
    _check(job, package, environment, sarif and as_json)
    if write is not None and not script:
        raise click.UsageError("--write is for a script: ftorch audit script.py --write DIR")
    if script and overrides:
        raise click.UsageError("--set is for a job file; a script has no fields")
    from orchestrator.audit.examine import audit_environment, audit_job, audit_package
    from orchestrator.cli.auditshow import show

    if package is not None:
        report = audit_package(package, timeout)
    elif job is not None and script:
        from orchestrator.cli.moving import audit_script

        report = audit_script(job, write)
    elif job is not None:
        job_file, spec = load(job, overrides)
        report = audit_job(spec, job_file.parent, timeout, probe_time if probe else None)
    else:
        report = audit_environment()
    show(report, "sarif" if sarif else "json" if as_json else "text")
    return FINDINGS if report.matters else DONE


def is_script(path: Path) -> bool:
    """Whether a path names a script, or a notebook, rather than a job file."""
    if path.suffix in SCRIPTS or path.suffix in (".yaml", ".yml", ".json"):
        return path.suffix in SCRIPTS
    try:
        with path.open("rb") as file:
            first = file.readline(200)
    except OSError:
        return False
    return first.startswith(b"#!") and b"python" in first


def _check(job: Path | None, package: str | None, environment: bool, both: bool) -> None:
    """Options that mean nothing together are mistakes, told before anything else is looked at."""
    if (job is not None) + (package is not None) + environment != 1:
        raise click.UsageError("name one thing: a job file, a script, --package NAME, or --environment")
    if both:
        raise click.UsageError("--json and --sarif are two formats: choose one")
