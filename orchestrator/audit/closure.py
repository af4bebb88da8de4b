"""Which distributions a job can reach, and through which others: a walk over what they require."""

import re
from collections import deque
from collections.abc import Iterable, Mapping

from msgspec import Struct

from orchestrator.audit.distributions import Distribution, Environment, normalised

_FOR_DEVELOPERS = re.compile(
    r"dev|test|doc|lint|typing|check|bench|ci$|mypy|pytest|coverage|style|build", re.IGNORECASE
)


class Reached(Struct, frozen=True):
    """A distribution, and the way to it: the distributions on it, with the extra that requires the next."""

    distribution: Distribution
    chain: tuple[str, ...]


def closure_of(environment: Environment, roots: Mapping[str, tuple[str, ...]]) -> list[Reached]:
    """Everything installed that some distributions require, themselves first, by the shortest way.

    What only an extra requires counts where it is installed: the code that uses it is there, and will find it. Extras
    for the distribution's own developers (tests, documentation, linters) do not count.

    Args:
        environment: what is installed.
        roots: names of distributions, and the way to each.
    """
    reached: dict[str, Reached] = {}
    waiting: deque[tuple[str, tuple[str, ...]]] = deque(roots.items())
    while waiting:
        name, way = waiting.popleft()
        key = normalised(name)
        found = environment.distributions.get(key)
        if found is None or key in reached:
            continue
        chain = (*way, found.name)
        reached[key] = Reached(found, chain)
        waiting.extend(_next(found, chain))
    return [*reached.values()]


def _next(found: Distribution, chain: tuple[str, ...]) -> Iterable[tuple[str, tuple[str, ...]]]:
    # What is always required comes first: it is the better reason.
    for need in sorted(found.needs, key=lambda need: bool(need.extra)):
        if _FOR_DEVELOPERS.search(need.extra):
            continue
        way = (*chain[:-1], f"{chain[-1]}[{need.extra}]") if need.extra else chain
        yield need.name, way
