"""Options and arguments that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from orchestrator.errors import RunNotFound
from orchestrator.run.folder import list_runs, runs_folder
from orchestrator.spec.load import load_job
from orchestrator.spec.model import JobSpec

JOB_FILE = "job.yaml"

overrides_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Set a field of the job file: --set resources.profile=mixed. May be given again.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def job_argument(required: bool = True) -> Callable[[Any], Any]:
    """The JOB argument: a job file, or the folder that holds one."""
    return click.argument("job", type=click.Path(path_type=Path), required=required)


def load(job: Path, overrides: tuple[str, ...] = ()) -> tuple[Path, JobSpec]:
    """The job file's absolute path, and the job.

    Raises:
        JobFileError: there is none, or it is wrong.
    """
    path = job / JOB_FILE if job.is_dir() else job
    return path.absolute(), load_job(path, overrides)


def run_argument(function: Any) -> Any:
    """The RUN argument: a run's folder; the newest one in this folder if it is left out."""
    return click.argument("run", type=click.Path(path_type=Path), required=False)(function)


def find_run(run: Path | None) -> Path:
    """The folder of the run that is meant.

    Raises:
        RunNotFound: none was named, and there is none here.
    """
    if run is not None:
        return run.resolve()
    found = list_runs(Path.cwd())
    if not found:
        raise RunNotFound(
            "there is no run here",
            where=str(runs_folder(Path.cwd())),
            hint="Name a run's folder, or go to the job's.",
        )
    return found[-1][0].root.resolve()
