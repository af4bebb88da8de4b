"""ftorch: a batch of CPU-bound work in one free-threaded Python process per node.

`import orchestrator` is light, because the command starts its worker only after it: functions import what they need
when they are called, and names that live in other modules are imported when they are first asked for.
"""

# Loaded before the function `run` is defined: loaded later, the package would take the name from it.
import orchestrator.run  # noqa: F401
from orchestrator.errors import FtorchError
from orchestrator.version import __version__

# Type checkers know the name; importing `typing` for it would take longer than all the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Any, Literal

    from orchestrator.api.executor import Executor
    from orchestrator.api.ran import Ran
    from orchestrator.engine.runreport import RunReport
    from orchestrator.spec.model import JobSpec
    from orchestrator.tasks.api import Context, Fold, task
    from orchestrator.tasks.shared import serialize_iterator

_HOMES = {
    "Context": "orchestrator.tasks.api",
    "Executor": "orchestrator.api.executor",
    "Fold": "orchestrator.tasks.api",
    "serialize_iterator": "orchestrator.tasks.shared",
    "task": "orchestrator.tasks.api",
}

__all__ = [
    "Context",
    "Executor",
    "Fold",
    "FtorchError",
    "__version__",
    "load_job",
    "run",
    "serialize_iterator",
    "submit",
    "task",
]


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


def run[T, R](  # noqa: PLR0913 - each is an option that may be left out
    task: Callable[..., R],
    items: Iterable[T],
    *,
    arguments: Mapping[str, Any] | None = None,
    threads: int | Literal["auto"] = "auto",
    attempts: int = 1,
    on_error: Literal["quarantine", "raise"] = "quarantine",
    progress: bool | None = None,
) -> Ran[R]:
    """Call a task on each item, here in this process, with as many threads as the CPU quota allows.

    An item whose task raises is set aside: its result is None, and `failures` of what is returned has the item and the
    exception. With `on_error="raise"` the run ends at the first of them, and raises it. Every exception that ends a run
    early (Ctrl-C is KeyboardInterrupt) has an attribute `ran`: what would have been returned, with the results so far
    and, as `undone`, the items that were read and not done. Threads finish their chunk before, about 25 ms; after
    Ctrl-C an item that takes longer than five seconds more, or until a second Ctrl-C, is left behind.

    Where the GIL is on it works, one thread at a time, and a RuntimeWarning names the module that turned it on.

    Args:
        task: a function of one item, or one with `@task`: state, a batch form, a fold.
        items: lists, tuples and ranges are cut, and must not change meanwhile; anything else is read as it is needed,
            by one thread at a time, and not far ahead.
        arguments: keyword arguments for the task and its state functions, a job's `with:`.
        threads: how many; "auto" takes what affinity mask and CPU quota allow.
        attempts: how often an item that raises is tried, with a job's waits between (1 s, 2 s, … at most 30 s).
        on_error: set failed items aside, or raise what the first one raised.
        progress: show it on standard error; None does on a terminal and in a notebook.

    Returns:
        `results` in input order, `result` of a fold, `failures`, `undone`, `report`; all of it prints.

    Raises:
        JobError: an argument is wrong, the task cannot take one, or a state function raised.
    """
    from orchestrator.api.asked import Asked
    from orchestrator.api.running import run as run_task

    return run_task(task, items, Asked(arguments or {}, threads, attempts, on_error, progress))


def __getattr__(name: str) -> Any:
    """Import what lives in another module when it is first asked for."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(home), name)
    return found
