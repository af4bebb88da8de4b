"""Every error ftorch raises on purpose, and the exit code each one ends the command with.

The tree (exit code in brackets)::

    FtorchError
    ├── JobError [2]             the job file or what it names is wrong; nothing was started
    │   ├── JobFileError         a field of job.yaml: unknown, wrong type, bad unit, out of range
    │   ├── TaskError            the task cannot be imported, or is not what a task must be
    │   ├── InputError           the input cannot be planned: missing root, no such file, escapes its root
    │   ├── OutputError          the output cannot be written: exists, read-only, unknown format
    │   └── ClusterRefused       the cluster will not have the job: invalid, a webhook, a policy, a quota
    ├── RunError [2]             the run folder cannot be used
    │   ├── RunNotFound          no run there
    │   ├── RunConflict          it belongs to another job, or to other code
    │   ├── RunDamaged           a file of it is not what the ledger says
    │   └── StoreRefused         the bucket it is kept in lets nobody in: no such bucket, no permission, another region
    ├── MachineError [3]         this machine cannot run the job
    │   ├── GilError             the GIL is on and the job requires it off
    │   │   └── GilRefused       an import that would turn it on; an ImportError, too, so that libraries can do without
    │   ├── MissingExtra         an optional dependency is not installed
    │   └── ClusterError         the cluster cannot be used from here: no kubeconfig, not reached, no permission
    ├── TooManyFailed [1]        the job ran, but more items failed than it allows
    ├── Interrupted [75]         stopped before the end; `--resume` goes on from the last commit
    │   ├── StoreUnavailable     the store cannot be written: full, read-only, gone
    │   └── Fenced               a newer process owns this shard
    └── WorkerDied [128 + n]     the worker process died of signal n

A message says what was found and what was expected; ``where`` says the place (file:line:column, field
path, item key); ``hint`` says what to do. `str()` gives all three, ready to print.
"""

DONE = 0
TOO_MANY_FAILED = 1
BAD_JOB = 2
BAD_MACHINE = 3
RESUMABLE = 75
SIGNAL_BASE = 128


class FtorchError(Exception):
    """An error a user can act on; printed without a traceback.

    Args:
        message: what was found, and what was expected.
        where: the place: ``job.yaml:4:9``, a path, an item's key.
        hint: what to do about it.
    """

    exit_code = BAD_JOB

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        head = f"{self.where}: {self.message}" if self.where else self.message
        return f"{head}\n  {self.hint}" if self.hint else head


class JobError(FtorchError):
    """The job file, or something it names, is wrong."""


class JobFileError(JobError):
    """A field of the job file is wrong."""


class TaskError(JobError):
    """The task cannot be loaded, or is not a task."""


class InputError(JobError):
    """The input cannot be planned."""


class OutputError(JobError):
    """The output cannot be written where the job wants it."""


class ClusterRefused(JobError):
    """The cluster will not have the job."""


class RunError(FtorchError):
    """The run folder cannot be used."""


class RunNotFound(RunError):
    """There is no run where one was named."""


class RunConflict(RunError):
    """The run belongs to another job, or was made by other code."""


class RunDamaged(RunError):
    """A file of the run is not what the ledger says it is."""


class StoreRefused(RunError):
    """The bucket that a run is kept in cannot be used: no such bucket, no permission, another region."""


class MachineError(FtorchError):
    """This machine cannot run the job."""

    exit_code = BAD_MACHINE


class GilError(MachineError):
    """The GIL is on, and the job requires it off."""


class GilRefused(GilError, ImportError):
    """Importing it would turn the GIL on, and the job requires it off."""


class MissingExtra(MachineError):
    """An optional dependency is not installed."""


class ClusterError(MachineError):
    """The cluster cannot be used from here."""


class TooManyFailed(FtorchError):
    """More items failed than the job allows."""

    exit_code = TOO_MANY_FAILED


class Interrupted(FtorchError):
    """The run stopped before its end and can be resumed."""

    exit_code = RESUMABLE


class StoreUnavailable(Interrupted):
    """The store cannot be written: full, read-only, or gone."""


class Fenced(Interrupted):
    """A newer process owns the shard; this one stops."""


class WorkerDied(FtorchError):
    """The worker process died of a signal."""

    def __init__(self, signal: int, message: str, **place: str | None) -> None:
        super().__init__(message, **place)
        self.signal = signal
        self.exit_code = SIGNAL_BASE + signal
