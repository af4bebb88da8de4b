"""A whole run's report as data."""

from msgspec import Struct

from orchestrator.measure.node import NodeReport
from orchestrator.run.records import Failure


class OutputReport(Struct, frozen=True):
    """What was published: the path, and the bytes and files there."""

    path: str
    bytes: int
    files: int


class RunReport(Struct, frozen=True):
    """What became of a run.

    Attributes:
        run: its name.
        folder: where it is kept.
        state: "done", "interrupted" or "failed".
        reason: why it ended so.
        total_items: items of the plan, None where only reading the input could tell.
        items, nbytes: done so far, in this and earlier sittings.
        failed: items that failed and were not made good since.
        examples: the first few of them.
        failures: the file that lists them all, None where there are none.
        output: what was published, None if nothing was.
        nodes: a report of each worker of this sitting.
        notes: what the input's walk passed over.
        restarts: how workers died or were replaced, and what followed from it.
        ended: seconds since 1970.
    """

    run: str
    folder: str
    state: str
    reason: str
    total_items: int | None
    items: int
    nbytes: int
    failed: int
    examples: list[Failure]
    failures: str | None
    output: OutputReport | None
    nodes: list[NodeReport]
    notes: list[str]
    restarts: list[str]
    ended: float
