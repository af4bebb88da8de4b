"""What of a node's capacity was lost, by cause: pure rules over an account of its threads' time.

Each rule has a threshold below which it says nothing, so that a healthy run raises no alarm; a run of less than a
second is not judged at all.
"""

from msgspec import Struct

from orchestrator.measure.account import Account
from orchestrator.measure.budget import Budget, split
from orchestrator.measure.finding import Finding
from orchestrator.measure.growth import SUSPICIOUS, growth, sharing
from orchestrator.measure.rules import ASLEEP, RULES

SHORTEST_SECONDS = 1.0
"""Runs shorter than this are not judged."""


class Diagnosis(Struct, frozen=True):
    """What was lost, and why.

    Attributes:
        lost: the share of the capacity in which nothing useful was done; None where it cannot be said.
        findings: the causes, the costliest first.
        unjudged: what could not be judged, and why.
        account: what was measured.
        alone: CPU seconds an item takes with one thread, None where that was not measured.
        control: how much more CPU a loop that shares nothing took with as many threads; None where not measured.
    """

    lost: float | None
    findings: list[Finding]
    unjudged: list[str]
    account: Account
    alone: float | None = None
    control: float | None = None


def diagnose(account: Account, alone: float | None = None, control: float | None = None) -> Diagnosis:
    """Judge an account.

    Args:
        account: where the threads' time went.
        alone: CPU seconds an item takes with one thread.
        control: CPU time that a loop sharing nothing took with as many threads, over what it took with one.
    """
    budget = split(account)
    if account.seconds < SHORTEST_SECONDS or not budget.capacity:
        took = f"the threads worked for {account.seconds:.2g} s, and at least {SHORTEST_SECONDS:g} s are needed"
        return Diagnosis(None, [], [took], account, alone, control)
    grown = growth(account, budget, alone, control)
    found = [finding for rule in RULES if (finding := rule(account, budget)) is not None]
    disturbed = any(finding.cause == "neighbours" for finding in found)
    if disturbed:
        # What others do to caches and clock rates looks like sharing.
        grown = None
    shared = sharing(account, budget, grown, alone)
    findings = sorted([*found, *([shared] if shared else [])], key=lambda finding: -finding.share)
    useful = budget.run + budget.native - (account.pauses or 0.0) - (0.0 if grown is None else grown.wasted)
    lost = min(1.0, max(0.0, 1 - useful / budget.capacity))
    return Diagnosis(lost, findings, _unjudged(account, budget, alone, disturbed), account, alone, control)


def is_suspicious(account: Account, alone: float | None) -> bool:
    """Whether items took so much more CPU than with one thread that a control is worth its time."""
    if account.seconds < SHORTEST_SECONDS or len(account.lanes) < 2:
        return False
    grown = growth(account, split(account), alone, None)
    return grown is not None and grown.ratio >= SUSPICIOUS


def _unjudged(account: Account, budget: Budget, alone: float | None, disturbed: bool) -> list[str]:
    said = []
    if not budget.measured:
        said.append("run-queue delay, locks and I/O: this system does not say how long a thread waited for a CPU")
    elif budget.share(budget.unknown) > ASLEEP and not account.gil:
        said.append("sleep: threads slept, and were not seen at it")
    if alone is None and len(account.lanes) > 1:
        said.append("CPU per item: what an item takes with one thread was not measured")
    elif disturbed:
        said.append("CPU per item: other processes took too much of the CPUs for a comparison with one thread")
    if account.pauses is None:
        said.append("garbage collections: they are not measured in worker processes")
    return said
