"""A node's report as data: what it is, what it did, and how. Everything here was measured, or read from the system."""

from msgspec import Struct

from orchestrator.host.cgroups import Throttling
from orchestrator.host.cpus import ThreadDecision
from orchestrator.host.facts import HostFacts
from orchestrator.host.interpreter import BackendDecision
from orchestrator.measure.collecting import Collecting
from orchestrator.measure.costs import Costs
from orchestrator.measure.diagnosis import Diagnosis
from orchestrator.measure.scaling import Scaling


class ThreadReport(Struct, frozen=True):
    """One thread: seconds it existed, CPU seconds it used, and what it did.

    Attributes:
        busy: CPU seconds over seconds, the share of its time in which it computed (0 to 1).
    """

    index: int
    wall_seconds: float
    cpu_seconds: float
    busy: float
    chunks: int
    items: int


class ChunkReport(Struct, frozen=True):
    """The chunks of all threads: how many, items of the smallest, the mean and the largest, seconds a chunk."""

    count: int = 0
    smallest: int = 0
    mean: float = 0.0
    largest: int = 0
    seconds_each: float = 0.0


class Pauses(Struct, frozen=True):
    """Garbage collections, in which all threads stand still: how many, seconds altogether, seconds of the longest, and
    objects that they freed.
    """

    count: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    freed: int = 0


class NodeReport(Struct, frozen=True):
    """What one worker did, from its start to its end.

    Attributes:
        state: "done", "interrupted", "failed" or "replaced".
        reason: why it ended, in words.
        stack: where a lane was that had to be left behind.
        complete: whether nothing of the shard is missing.
        items, nbytes, failed: done by this worker (bytes of input).
        wall_seconds: from the first chunk handed out to the last commit.
        setup_seconds: importing the task and making its process state.
        user_seconds, system_seconds: CPU seconds of the worker and its children.
        peak_rss: bytes, of the worker alone.
        throttled: how the CPU quota throttled this node meanwhile, None where nothing could be read.
        gil_enabled: at the end of the run.
        gil_culprit: the module that turned it on, where that is known.
        scaling: how the job scaled with threads, None where that was not measured.
        no_scaling: why it was not.
        diagnosis: what of the node's capacity was lost, and why.
        collecting: how garbage was collected in the end, None where the run did not choose that.
        costs: what chunks took, by where on the input's axis they were; None where there were none.
    """

    state: str
    reason: str
    complete: bool
    host: HostFacts
    threads: ThreadDecision
    backend: BackendDecision
    items: int
    nbytes: int
    failed: int
    wall_seconds: float
    setup_seconds: float
    user_seconds: float
    system_seconds: float
    peak_rss: int
    commits: int
    lanes: list[ThreadReport]
    chunks: ChunkReport
    pauses: Pauses
    throttled: Throttling | None
    gil_enabled: bool
    gil_culprit: str | None
    warnings: list[str]
    stack: str = ""
    scaling: Scaling | None = None
    no_scaling: str = ""
    diagnosis: Diagnosis | None = None
    collecting: Collecting | None = None
    costs: Costs | None = None
