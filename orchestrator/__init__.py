"""ftorch: a batch of CPU-bound work in one free-threaded Python process per node.

`import orchestrator` is light; :func:`load_job` and :func:`submit` import what they need when they are called, because
every task file imports this module, and the command starts its worker only after it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestrator.errors import FtorchError
from orchestrator.tasks.api import Context, Fold, task
from orchestrator.tasks.shared import serialize_iterator

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.engine.runreport import RunReport
    from orchestrator.spec.model import JobSpec

__version__ = "0.1.0"

__all__ = ["Context", "Fold", "FtorchError", "__version__", "load_job", "serialize_iterator", "submit", "task"]


def load_job(path: str | Path, overrides: Sequence[str] = ()) -> JobSpec:
    """Read a job file; `overrides` are texts as `--set` takes them: "resources.threads=4".

    Raises:
        JobFileError: it cannot be read, or is no valid job.
    """
    from orchestrator.spec.load import load_job as load

    return load(path, overrides)


def submit(path: str | Path, overrides: Sequence[str] = (), run: str | Path | None = None) -> RunReport:
    """Run a job file to its end, as `ftorch submit` does, and give the report. Shows no progress.

    Args:
        path: the job file.
        overrides: texts as `--set` takes them.
        run: the run's folder; by default a new one below `.ftorch/runs` beside the job file.

    Raises:
        FtorchError: what the command would print; the run, if one was begun, can be resumed.
    """
    from pathlib import Path

    from orchestrator.engine.session import Sitting, begin
    from orchestrator.engine.watcher import Silence
    from orchestrator.run.folder import new_run_id, runs_folder

    job_file = Path(path).absolute()
    spec = load_job(job_file, overrides)
    folder = Path(run).absolute() if run is not None else runs_folder(job_file.parent) / new_run_id(spec.name)
    return begin(Sitting(spec, job_file, folder), Silence())
