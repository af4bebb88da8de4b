"""Where the time of a node's threads went, as data: what `diagnose` judges. Everything here was measured."""

from msgspec import Struct

from orchestrator.host.cgroups import Throttling
from orchestrator.measure.looks import Looks
from orchestrator.measure.threaduse import ThreadUse


class LaneAccount(Struct, frozen=True):
    """One thread's time, in seconds; what could not be measured is None in `use`.

    Attributes:
        window: from when it was made to the last commit.
        use: what it added while it existed; `use.at` is how long that was.
        cpu: seconds on a CPU by the thread's own clock, which every system has.
        output: it waited until its results were taken.
        parked: it was not allowed to work (fewer threads were, for a while).
        retrying: it had nothing to do but to wait for a retry.
        tail: from its end to the end of the last thread.
        commit: from the end of the last thread to the last commit.
        longest: its longest chunk.
    """

    index: int
    window: float
    use: ThreadUse
    cpu: float
    output: float = 0.0
    parked: float = 0.0
    retrying: float = 0.0
    tail: float = 0.0
    commit: float = 0.0


class HotLine(Struct, frozen=True):
    """A line of Python that threads were seen in.

    Attributes:
        seen: how often.
        source: its text.
        shared: what it uses that all threads share, as far as its names tell.
    """

    file: str
    line: int
    function: str
    seen: int
    source: str = ""
    shared: list[str] = []


class NativeThreads(Struct, frozen=True):
    """Threads of the process that no Python code started, of one name: how many, and seconds on a CPU and ready."""

    name: str
    count: int
    run: float
    delay: float


class Machine(Struct, frozen=True):
    """What else went on on the CPUs that this process may use: CPU seconds of others, and what a hypervisor took."""

    others: float
    steal: float


class Account(Struct, frozen=True):
    """All that is known of a node's capacity.

    Attributes:
        seconds: from the first thread's start to the last commit.
        cpus: CPUs in the affinity mask.
        quota: CPUs' worth of the tightest quota, None without one.
        backend: "threads" or "processes".
        items: done in that time.
        process_cpu: CPU seconds of the process, all threads; None for processes.
        main_cpu: of that, of the main thread.
        pauses: seconds in which the garbage collector had stopped all threads; None where not measured.
        collections: how many of them.
        locks: lines in which threads slept on a lock.
        lines: lines in which threads ran.
        libraries: loaded libraries that are known to start threads.
        last: what was worked on while threads had nothing left to do; "" where that was not seen.
    """

    seconds: float
    cpus: int
    lanes: list[LaneAccount]
    backend: str = "threads"
    quota: float | None = None
    items: int = 0
    gil: bool = False
    culprit: str | None = None
    process_cpu: float | None = None
    main_cpu: float = 0.0
    pauses: float | None = None
    collections: int = 0
    throttled: Throttling | None = None
    machine: Machine | None = None
    looks: Looks = Looks()
    locks: list[HotLine] = []
    lines: list[HotLine] = []
    native: list[NativeThreads] = []
    libraries: list[str] = []
    last: str = ""
