"""What a comparison found, as data."""

from msgspec import Struct

from orchestrator.compare.figures import Figures, Sample
from orchestrator.errors import FtorchError, JobError, MachineError


class Row(Struct, frozen=True):
    """A contestant.

    Attributes:
        name: "threads", "processes", "interpreters", "redis" or "python".
        what: it, in words.
        refused: why it has no figures; "" where it has.
        there: whether this machine has what it needs; False where that is why it was refused.
        figures: None where it has none.
        tuned: what was tuned, and how; "" where nothing was.
        notes: what a user should know of how it ran.
        samples: what was measured, one a round.
    """

    name: str
    what: str
    refused: str = ""
    there: bool = True
    figures: Figures | None = None
    tuned: str = ""
    notes: list[str] = []
    samples: list[Sample] = []


class Comparison(Struct, frozen=True):
    """All of it.

    Attributes:
        job, task: the job's name, and its task.
        state: "done", or "interrupted" with what was measured by then.
        items: how many were compared.
        chosen: which those are, in words.
        failed: items that failed alike in every row.
        workers: threads, processes or interpreters of each row.
        cpus: what this machine lets them use.
        rounds: how many were asked for.
        price: of a CPU-hour, None where none was given.
        rows: the contestants.
        notes: what holds for all of them.
        created: when it was made, in seconds since 1970.
        machine: where, in words.
    """

    job: str
    task: str
    state: str
    items: int
    chosen: str
    failed: int
    workers: int
    cpus: float
    rounds: int
    price: float | None
    rows: list[Row]
    notes: list[str]
    created: float = 0.0
    machine: str = ""


def nothing_compared(found: Comparison) -> FtorchError | None:
    """What a script has to be told of a comparison that has no figures at all; None where there are some.

    Who was stopped by hand knows. Else it is this machine's fault if none of the contestants could be had here, and
    the job's if one was there and did not get through the items.
    """
    if found.state != "done" or any(row.figures is not None for row in found.rows):
        return None
    message, hint = "no contestant has figures, so nothing was compared", "Each row says why."
    if any(row.there for row in found.rows):
        return JobError(message, hint=hint)
    return MachineError(message, hint=hint)
