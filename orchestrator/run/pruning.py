"""Which runs can go, and why the others stay; pure.

A run is kept unless every rule that was given lets it go: the newest of each job by number, by age, or both.
"""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from orchestrator.run.status import State


class Candidate(Struct, frozen=True):
    """A run to decide about.

    Attributes:
        run: its name.
        folder: its folder, or its URL.
        job: the job's name.
        state: how far it is; "damaged" where that cannot be read.
        created: seconds since 1970.
    """

    run: str
    folder: str
    job: str
    state: State | str
    created: float


class Rule(Struct, frozen=True):
    """What may go.

    Attributes:
        keep: so many of each job's finished runs stay, the newest; None: any number may go.
        before: only what was created before that moment (seconds since 1970); None: of any age.
        unfinished: runs that stopped on the way may go, too.
    """

    keep: int | None
    before: float | None
    unfinished: bool = False


class Choice(Struct, frozen=True):
    """What is to become of a run, and why."""

    candidate: Candidate
    remove: bool
    reason: str


def choose(candidates: Sequence[Candidate], rule: Rule) -> list[Choice]:
    """Decide about each run, in the given order.

    A run that somebody works on stays whatever was asked. Runs that stopped on the way are counted among the newest of
    their job only where they may go: else a week of failures would push out the last good run.
    """
    newer: Counter[str] = Counter()
    reasons: dict[int, str] = {}
    for at in sorted(range(len(candidates)), key=lambda at: candidates[at].created, reverse=True):
        candidate = candidates[at]
        reasons[at] = _why_kept(candidate, rule, newer[candidate.job])
        if candidate.state == "done" or (rule.unfinished and candidate.state != "running"):
            newer[candidate.job] += 1
    return [Choice(one, not reasons[at], reasons[at] or _why_removed(rule)) for at, one in enumerate(candidates)]


def _why_kept(candidate: Candidate, rule: Rule, newer: int) -> str:
    """Why a run with so many newer ones stays; "" where it can go."""
    if candidate.state == "running":
        return "a process works on it"
    if candidate.state != "done" and not rule.unfinished:
        return f"it is not finished ({candidate.state}); --unfinished removes such runs, too"
    if rule.keep is not None and newer < rule.keep:
        return "one of the newest of its job"
    if rule.before is not None and candidate.created >= rule.before:
        return "it is not old enough"
    return ""


def _why_removed(rule: Rule) -> str:
    newest = None if rule.keep is None else f"not among the newest {rule.keep} of its job"
    old = None if rule.before is None else "old enough"
    return ", ".join(reason for reason in (newest, old) if reason)
