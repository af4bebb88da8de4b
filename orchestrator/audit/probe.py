"""What really happens when modules are imported: other processes import them, and tell what they loaded.

Guarantees: a module that fails, crashes, hangs, forks or ends the process costs its own line and no other. Assumes: the
interpreter is the one the job will run in.
"""

from collections.abc import Sequence

from orchestrator.audit.observed import LoadedExtension, Observed, Outcome, Target
from orchestrator.audit.sitting import Sitting


def observe(targets: Sequence[Target], limit: float, paths: Sequence[str] = (), verbose: bool = False) -> Observed:
    """Import some targets, one after the other; a new process goes on after one that a target ended.

    Args:
        targets: what to import.
        limit: seconds that a target may take.
        paths: folders to be put first on `sys.path`.
        verbose: learn from `python -v` which modules require the GIL, as is done anyway where their own field cannot
            be read.
    """
    extensions: dict[tuple[str, str], LoadedExtension] = {}
    outcomes: list[Outcome] = []
    while len(outcomes) < len(targets):
        sitting = Sitting(targets[len(outcomes) :], limit, verbose)
        sitting.run(paths)
        verbose = verbose or sitting.wants_verbose
        for one in sitting.extensions:
            extensions.setdefault((one.name, one.path), one)
        outcomes += sitting.outcomes
    return Observed([*extensions.values()], outcomes, exact=not verbose)
