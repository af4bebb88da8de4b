"""Options and arguments that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.completion import complete_field, complete_run
from orchestrator.errors import RunNotFound
from orchestrator.run.folder import MANIFEST, list_runs, runs_folder
from orchestrator.spec.load import load_job
from orchestrator.spec.model import JobSpec
from orchestrator.store.open import whereabouts

JOB_FILE = "job.yaml"

overrides_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Set a field of the job file: --set resources.profile=mixed. May be given again.",
    shell_complete=complete_field,
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
    """The RUN argument: a run's folder, URL or name, a job's folder for its newest run; by default this folder."""
    return click.argument("run", type=whereabouts, default=".", shell_complete=complete_run)(function)


def find_run(run: Path | str) -> Path | str:
    """The folder or URL of the run that is meant: by that, by its name here, or as the newest of a job's folder.

    Raises:
        RunNotFound: there is none.
    """
    if isinstance(run, str):
        return run
    named = runs_folder(Path.cwd()) / run
    for folder in (run, named):
        if (folder / MANIFEST).exists():
            return folder.resolve()
    job_folder = run.parent if run.is_file() else run
    found = list_runs(job_folder)
    if found:
        return found[-1][0].root.resolve()
    if run.exists():
        raise RunNotFound(
            "there is no run here",
            where=str(runs_folder(job_folder.absolute())),
            hint="Name a run's folder, or a job's: `ftorch runs FOLDER` lists the runs of the jobs in a folder.",
        )
    raise RunNotFound("there is no run of that name", where=str(run), hint="`ftorch runs` lists the runs.")
