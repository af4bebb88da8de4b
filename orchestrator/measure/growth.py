"""The rule for CPU time that is used up without more getting done: an item takes more of it than with one thread; pure.

Threads that change the same memory wait for its cache line while they count as running: the reference count of one
object, one dict, one list. Memory bandwidth and hyper-threads look alike, so a loop that shares nothing is the control.
"""

from msgspec import Struct

from orchestrator.measure.account import Account
from orchestrator.measure.budget import Budget
from orchestrator.measure.finding import Finding
from orchestrator.measure.rules import percent

GROWN = 1.5
SUSPICIOUS = 1.3
"""From this growth on it is worth measuring a control."""
KERNEL = 0.12
_LEAST_SHARED = 0.05


class Growth(Struct, frozen=True):
    """How much more CPU an item took than with one thread.

    Attributes:
        each: CPU seconds an item.
        ratio: that, over one thread's; over the control's growth, too.
        wasted: CPU seconds that would not have been needed.
        kernel: the kernel's share of the threads' CPU time.
    """

    each: float
    ratio: float
    wasted: float
    kernel: float


def growth(account: Account, budget: Budget, alone: float | None, control: float | None) -> Growth | None:
    """Compare with one thread; None where that was not measured."""
    # Collections are told apart, and threads that wait for the GIL spin.
    used = budget.run + budget.native - (account.pauses or 0.0)
    if not alone or not account.items or used <= 0 or account.gil:
        return None
    useful = min(used, account.items * alone * max(1.0, control or 1.0))
    user = sum(lane.use.user or 0.0 for lane in account.lanes)
    system = sum(lane.use.system or 0.0 for lane in account.lanes)
    kernel = system / (user + system) if user + system else 0.0
    return Growth(used / account.items, used / useful, used - useful, kernel)


def sharing(account: Account, budget: Budget, grown: Growth | None, alone: float | None) -> Finding | None:
    """Items take more CPU than with one thread."""
    if grown is None or alone is None or grown.ratio < GROWN or len(account.lanes) < 2:
        return None
    in_kernel = grown.kernel >= KERNEL
    what = "threads take turns at one object's lock" if in_kernel else "threads change the same memory"
    evidence = (
        f"an item took {_time(grown.each)} of CPU, with one thread {_time(alone)}; "
        f"{percent(grown.kernel)} of it in the kernel, so {what}"
    )
    shared = _shared(account)
    if account.lines:
        top = account.lines[0]
        evidence += f"; most seen at {top.file}:{top.line} in {top.function}: `{top.source}`"
    name = " and ".join(shared) if shared else "an object that all threads use"
    advice = f"Probably {name}: give each thread its own (thread=), or bind what you read to a local name once an item"
    advice += (
        "." if in_kernel else "; if nothing is shared, memory bandwidth is the limit, and fewer threads do as well."
    )
    return Finding("sharing", min(1.0, grown.wasted / budget.capacity), evidence, advice)


def _shared(account: Account) -> list[str]:
    """What the lines that were seen most use and all threads share; each name once."""
    seen = sum(line.seen for line in account.lines)
    often = [line for line in account.lines[:3] if line.seen >= _LEAST_SHARED * seen]
    return list(dict.fromkeys(name for line in often for name in line.shared))[:3]


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"
