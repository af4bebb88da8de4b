"""Which of several outcomes is right, as far as that can be told: what most of them say; and who differs from it."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.compare.outcome import Outcome, difference

# Who is believed where as many say one thing as another: who shares least with others.
_TRUST = ("processes", "redis", "python", "interpreters", "threads")


def reference_of(outcomes: Mapping[str, Outcome], keys: Sequence[Any]) -> str:
    """The contestant whose outcome most others share; of several, the one whose workers share the least."""
    names = sorted(outcomes, key=_TRUST.index)

    def supporters(name: str) -> int:
        return sum(difference(outcomes[other], outcomes[name], keys) is None for other in names)

    return max(names, key=supporters)


def differing(outcomes: Mapping[str, Outcome], keys: Sequence[Any]) -> dict[str, str]:
    """Those whose outcome is another than the reference's, each with the first difference."""
    if not outcomes:
        return {}
    believed = reference_of(outcomes, keys)
    found = {name: difference(outcome, outcomes[believed], keys) for name, outcome in outcomes.items()}
    return {
        name: f"the results differ: {place[0]}: {place[1]} here, {place[2]} in {believed}"
        for name, place in found.items()
        if place is not None
    }
