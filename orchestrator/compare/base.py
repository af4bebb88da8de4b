"""What a contestant is, and what the process that it runs in is told and tells.

Each contestant runs in a process of its own, its **stage**, which holds whatever it starts: so its memory and CPU time
are those of one process tree, and ending that tree ends all of it. The stage answers one command at a time.
"""

from typing import Protocol

from msgspec import Struct

from orchestrator.compare.work import Binding


class Assignment(Struct, frozen=True):
    """What a stage is to run.

    Attributes:
        name: which contestant.
        job: the job as the run's manifest keeps it (JSON), made ready for a comparison.
        binding: the task, as a worker binds it.
        batch: how many items the task takes at a time, None for one.
        items: the file with the items (see `sample.Load`).
        workers: how many threads, processes or interpreters.
        scratch: a folder for the stage's own use.
        whole, first: run folders with a plan and no work done, of all the items and of the first one.
    """

    name: str
    job: str
    binding: Binding
    batch: int | None
    items: str
    workers: int
    scratch: str
    whole: str
    first: str


class Pass(Struct, frozen=True):
    """All items, once.

    Attributes:
        seconds: from the first item handed out to the last result in hand.
        nbytes: bytes of items and results that were pickled on their way.
        cpu_seconds: of all its processes; None where whoever asks can tell better, by looking at them.
        gone: the most bytes that a process had which has ended by now: nobody can look at it any more.
        note: what a user should know of how it ran.
    """

    seconds: float
    nbytes: int = 0
    cpu_seconds: float | None = None
    gone: int = 0
    note: str = ""


class Contestant(Protocol):
    """A way to run a job's items. Called from one thread, in this order; `run` and `one` as often as wanted."""

    def sizes(self) -> list[int]:
        """Chunk sizes (items) worth trying; empty where there is nothing to tune."""
        ...

    def start(self) -> None:
        """Start its threads or processes.

        Raises:
            FtorchError: it cannot be started here; the message says why.
        """
        ...

    def first(self) -> None:
        """Have the first item done, and wait for its result."""
        ...

    def settle(self) -> None:
        """Wait until every worker is ready."""
        ...

    def run(self, size: int) -> Pass:
        """Do all items in chunks of so many, and keep the results in memory.

        Raises:
            FtorchError: a worker died, or what it sent cannot be read.
        """
        ...

    def save(self, path: str) -> None:
        """Write what the last `run` gave, for `outcome.read_outcome`."""
        ...

    def one(self, number: int) -> float:
        """Have one item done while nothing else is; the seconds until its result was in hand."""
        ...

    def stop(self) -> None:
        """End all that was started; also after an error, and again."""
        ...


class Told(Struct, frozen=True):
    """A stage's answer to a command; `error` is set where it failed, with `where` and `hint` as errors have them.

    `batch` and `is_fold` answer `facts`: what the task's decorator said.
    """

    error: str = ""
    where: str | None = None
    hint: str | None = None
    sizes: list[int] = []
    run: Pass | None = None
    latencies: list[float] = []
    batch: int | None = None
    is_fold: bool = False


class Command(Struct, frozen=True, omit_defaults=True):
    """What a stage is to do: the name of a method of `Contestant`, with its argument; `ones` asks for several `one`,
    `facts` what the task is.

    Attributes:
        count, seconds: for `ones`: at most so many items, and no further one after so many seconds.
        skip: for `ones`: these numbers are left out.
    """

    do: str
    size: int = 1
    path: str = ""
    count: int = 0
    seconds: float = 0.0
    skip: list[int] = []
