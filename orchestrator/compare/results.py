"""What a comparison found, as data."""

from msgspec import Struct

from orchestrator.compare.figures import Figures, Sample


class Row(Struct, frozen=True):
    """A contestant.

    Attributes:
        name: "threads", "processes", "interpreters", "redis" or "python".
        what: it, in words.
        refused: why it has no figures; "" where it has.
        figures: None where it has none.
        tuned: what was tuned, and how; "" where nothing was.
        notes: what a user should know of how it ran.
        samples: what was measured, one a round.
    """

    name: str
    what: str
    refused: str = ""
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
