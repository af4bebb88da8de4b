"""The distributions that a job starts from."""

import sys
from pathlib import Path

from orchestrator.audit.distributions import Distribution, Environment, normalised
from orchestrator.audit.reach import Import, Reach

type Roots = dict[str, tuple[str, ...]]
"""Names of distributions, and the way to each."""


def import_paths(target: str, base: Path) -> list[str]:
    """Where a job's modules are looked for, as its worker does."""
    beside = [str((base / target).resolve().parent)] if target.endswith(".py") else [str(base), str(Path.cwd())]
    return [*beside, *sys.path]


def roots_of(target: str, reach: Reach, environment: Environment) -> tuple[Roots, dict[str, Import]]:
    """The distributions that a job imports, or is part of, and by their normalised names its own import of each."""
    roots: Roots = {}
    imports: dict[str, Import] = {}
    own = [] if target.endswith(".py") else environment.of_module(target)
    for one in own:
        if not _is_ours(one):
            roots[one.name] = ()
    for found in reach.imports.values():
        for one in environment.of_module(found.module):
            if not _is_ours(one):
                roots.setdefault(one.name, (Path(found.path).name,))
                imports.setdefault(normalised(one.name), found)
    return roots, imports


def _is_ours(one: Distribution) -> bool:
    """Ftorch itself: a task imports its decorator; what else it needs, it needs anyway."""
    return normalised(one.name) == "ftorch"
