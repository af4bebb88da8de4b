"""The rules for time in which threads did not run: each gives a finding, or None below its threshold; pure.

The thresholds are what separated jobs made to have one cause from healthy ones (tests/diagnosis).
"""

from collections.abc import Callable

from orchestrator.measure.account import Account, HotLine
from orchestrator.measure.budget import Budget
from orchestrator.measure.finding import Finding

QUOTA = 0.05
CROWDED = 0.20
ASLEEP = 0.15
MAIN_PART = 1 / 3
GC = 0.10
TAIL = 0.15
OUTPUT = 0.10
NATIVE = 0.10


def gil(account: Account, budget: Budget) -> Finding | None:
    """The GIL is on: one thread at a time runs Python code."""
    if not account.gil or account.backend != "threads" or len(account.lanes) < 2:
        return None
    asleep = budget.lock + budget.unknown
    evidence = f"the GIL is on; threads slept for {percent(asleep / budget.lane_time)} of their time"
    advice = "Unset PYTHON_GIL and leave out -X gil=1, or use runtime.backend: processes."
    if account.culprit:
        evidence = f"importing {account.culprit} turned it on: {evidence}"
        advice = f"Look for a release of {account.culprit} made for free-threaded Python, or use processes."
    return Finding("gil", budget.share(asleep), evidence, advice)


def quota(account: Account, budget: Budget) -> Finding | None:
    """The CPU quota stopped the threads."""
    throttled = account.throttled
    if throttled is None or budget.throttled < QUOTA * budget.lane_time:
        return None
    periods = f" in {percent(throttled.throttled / throttled.periods)} of its periods" if throttled.periods else ""
    allowed = f" of {account.quota:g} CPUs" if account.quota is not None else ""
    evidence = (
        f"the CPU quota{allowed} ({throttled.where}) stopped the threads for "
        f"{percent(budget.throttled / budget.lane_time)} of their time{periods}"
    )
    advice = f"Raise the quota to {len(account.lanes)} CPUs, or let resources.threads: auto take what the quota allows."
    return Finding("quota", budget.share(budget.throttled), evidence, advice)


def crowding(account: Account, budget: Budget) -> Finding | None:
    """This process has more threads ready than there are CPUs, or waits for a native pool that has."""
    pool = _has_native_pool(budget)
    waiting = budget.lock if pool and _asleep_mainly(budget, budget.lock) else 0.0
    if not budget.measured or budget.crowded + waiting < CROWDED * budget.lane_time:
        return None
    waited = percent((budget.crowded + waiting) / budget.lane_time)
    evidence = f"{len(account.lanes)} threads on {account.cpus} CPUs waited for a CPU for {waited} of their time"
    advice = "Use resources.threads: auto; more threads than CPUs only take turns."
    if pool:
        evidence = f"{evidence}, or for a native pool: {_pools(account, budget)}"
        advice = "Leave OMP_NUM_THREADS and its like unset, or at 1: each thread then computes by itself."
    return Finding("crowding", budget.share(waiting), evidence, advice)


def neighbours(account: Account, budget: Budget) -> Finding | None:
    """Other processes took the CPUs."""
    machine = account.machine
    stolen = machine.steal / budget.capacity if machine is not None else 0.0
    if not budget.measured or budget.share(budget.others) + stolen < CROWDED:
        return None
    waited = percent(budget.others / budget.lane_time)
    evidence = f"threads were ready while others had the CPUs for {waited} of their time"
    if machine is not None:
        evidence += f"; other processes used {machine.others / account.seconds:.1f} of {account.cpus} CPUs"
        evidence += f", the hypervisor took {percent(stolen)}" if stolen > 0.01 else ""
    advice = "These figures hold for this load only: run it on a quiet machine, or give it CPUs of its own."
    return Finding("neighbours", min(1.0, budget.share(budget.others) + stolen), evidence, advice)


def lock(account: Account, budget: Budget) -> Finding | None:
    """Threads slept on a lock."""
    if account.gil or _has_native_pool(budget) or not _asleep_mainly(budget, budget.lock):
        return None
    switches = sum(lane.use.voluntary or 0 for lane in account.lanes) / account.seconds
    looks = account.looks
    evidence = f"threads slept on a lock in {looks.lock} of {looks.all} looks; {switches:,.0f} waits a second"
    hot = account.locks[0] if account.locks else None
    if hot is not None:
        evidence += f"; {_line_text(hot, account.locks)}"
    what = f"{' and '.join(hot.shared)} is" if hot is not None and hot.shared else "Something is"
    advice = f"{what} taken by one thread at a time: keep it per thread (thread=, ctx.thread), or hold it shorter."
    return Finding("lock", budget.share(budget.lock), evidence, advice)


def io(account: Account, budget: Budget) -> Finding | None:
    """Items waited for something outside the process."""
    if not _asleep_mainly(budget, budget.io):
        return None
    looks = account.looks
    evidence = f"items slept in the kernel in {looks.waiting} of {looks.all} looks, in {_calls(account)}"
    blocked = [lane.use.block for lane in account.lanes if lane.use.block is not None]
    if blocked:
        evidence += f"; {sum(blocked):.2g} s of it for a disk"
    faults = sum(lane.use.faults or 0 for lane in account.lanes)
    evidence += f"; {faults:,} page faults read from a disk" if faults > 10 * len(account.lanes) else ""
    advice = "Let more threads take turns: resources.profile: mixed; or bring the data nearer."
    return Finding("io", budget.share(budget.io), evidence, advice)


def starved(account: Account, budget: Budget) -> Finding | None:
    """Threads waited for their input to be read."""
    if not _asleep_mainly(budget, budget.reading):
        return None
    looks = account.looks
    evidence = f"threads slept while their input was read in {looks.reading} of {looks.all} looks, in {_calls(account)}"
    advice = "The storage gives data slower than the threads take it: use faster or nearer storage, or compress less."
    return Finding("input", budget.share(budget.reading), evidence, advice)


def collections(account: Account, budget: Budget) -> Finding | None:
    """The garbage collector stopped all threads."""
    pauses = account.pauses or 0.0
    if pauses < GC * account.seconds:
        return None
    stopped = percent(pauses / account.seconds)
    evidence = f"{account.collections} garbage collections stopped all threads for {stopped} of the time"
    advice = "Keep fewer small containers alive; or runtime.gc: off, if the job's memory stays bounded without it."
    return Finding("gc", min(1.0, budget.share(budget.halted) + pauses / budget.capacity), evidence, advice)


def tail(account: Account, budget: Budget) -> Finding | None:
    """Threads had nothing left to do while others still worked."""
    share = budget.share(budget.tail)
    if share < TAIL:
        return None
    ends = sorted(lane.tail for lane in account.lanes)
    idle = sum(end > 0.01 * account.seconds for end in ends)
    evidence = f"{idle} of {len(ends)} threads had nothing left to do, the first one {ends[-1]:.2g} s before the last"
    evidence += f", which was at {account.last}" if account.last else ""
    retried = sum(lane.retrying for lane in account.lanes)
    if retried > 0.5 * budget.tail:
        return Finding("tail", share, _retries(account, retried), _FEWER_RETRIES)
    evidence += f"; {retried:.2g} s were spent waiting for retries" if retried > 0.1 * budget.tail else ""
    advice = "A few items are large: cut them, or name them so that they come first; fewer threads would do as well."
    return Finding("tail", share, evidence, advice)


def _retries(account: Account, seconds: float) -> str:
    last = f", the last one at {account.last}" if account.last else ""
    return f"with all else done, threads waited {seconds:.2g} s to try failed items again{last}"


_FEWER_RETRIES = "Where trying again does not help: retry.attempts: 1; a shorter retry.backoff waits less."


def slow_output(account: Account, budget: Budget) -> Finding | None:
    """Threads waited until their results were taken."""
    share = budget.share(budget.output)
    if share < OUTPUT:
        return None
    waited = sum(lane.output for lane in account.lanes)
    last = account.lanes[0].commit
    evidence = f"threads waited {waited:.2g} s for results to be written, and the last commit took {last:.2g} s"
    advice = "Return less for an item, or put the run's folder on faster storage (--run)."
    return Finding("output", share, evidence, advice)


RULES: tuple[Callable[[Account, Budget], Finding | None], ...] = (
    gil, quota, crowding, neighbours, lock, io, starved, collections, tail, slow_output,
)  # fmt: skip
"""In the order in which they are tried; what an earlier one explains is not counted again by a later one."""


def percent(share: float) -> str:
    """0.237 → "24 %"."""
    return f"{100 * share:.0f} %"


def _asleep_mainly(budget: Budget, seconds: float) -> bool:
    """Whether sleep matters, and this is a main part of it."""
    asleep = budget.share(budget.lock + budget.io + budget.reading)
    return asleep > ASLEEP and budget.share(seconds) > MAIN_PART * asleep


def _has_native_pool(budget: Budget) -> bool:
    return budget.native > NATIVE * budget.capacity


def _line_text(hot: HotLine, lines: list[HotLine]) -> str:
    seen = percent(hot.seen / sum(line.seen for line in lines))
    return f"{seen} of them at {hot.file}:{hot.line} in {hot.function}: `{hot.source}`"


def _calls(account: Account) -> str:
    """The system calls that threads slept in, the most frequent first."""
    calls = sorted(account.looks.calls.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{name} {percent(count / sum(account.looks.calls.values()))}" for name, count in calls[:3])


def _pools(account: Account, budget: Budget) -> str:
    """The native pools that ran beside our threads."""
    count = sum(pool.count for pool in account.native)
    names = ", ".join(sorted({pool.name for pool in account.native}))
    libraries = f" of {' or '.join(account.libraries)}" if account.libraries else ""
    threads = f"{count} native threads ({names}){libraries}" if count else f"native threads{libraries}"
    return f"{threads} used {budget.native / account.seconds:.1f} CPUs"
