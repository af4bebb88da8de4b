"""The quick part of the audit, for `ftorch submit`: what the job can reach that would turn the GIL on.

Guarantees: `known` reads one small file and imports nothing. `look` reads all that the job can reach, some tenths of a
second of work, and keeps what it found until the job's own files or what is installed changes.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from orchestrator.host.caches import cache_path, read_cache, write_cache

type _Facts = dict[str, tuple[int, int]]


class _Seen(Struct, frozen=True):
    """What was found, and the files and folders it depends on: time of change (ns), and size."""

    job: str
    facts: _Facts
    told: list[str]


def known(task: str, base: Path) -> list[str] | None:
    """What a job should be told before it runs, a line each; None where nobody has looked since something changed.

    Args:
        task: its reference, "module:function" or "./file.py:function".
        base: the job file's folder.
    """
    if getattr(sys.flags, "gil", 1) is not None:
        return []
    job = _job(task, base)
    seen = read_cache(cache_path("ahead", job), _Seen)
    return seen.told if seen is not None and seen.job == job and _facts_of(seen.facts) == seen.facts else None


def look(task: str, base: Path) -> list[str]:
    """Look, and give what `known` will from now on; arguments as there."""
    from orchestrator.audit.beside import beside_of
    from orchestrator.audit.closure import closure_of
    from orchestrator.audit.distributions import Environment, normalised
    from orchestrator.audit.extensions import read_ahead, read_beside
    from orchestrator.audit.judging import extension_findings
    from orchestrator.audit.reach import reach_of
    from orchestrator.audit.roots import import_paths, roots_of
    from orchestrator.host.verdicts import Verdicts

    target, verdicts = task.partition(":")[0], Verdicts()
    reach, environment = reach_of(target, base), Environment(import_paths(target, base))
    # Before it is read: what changes meanwhile is looked at again the next time.
    facts = _facts_of([*map(str, reach.files), *filter(os.path.isdir, sys.path)])
    roots, imports = roots_of(target, reach, environment)
    beside = beside_of(reach, import_paths(target, base))
    imports |= {normalised(one.module): one.found for one in beside}
    facts |= _facts_of(str(one.path) for one in beside)
    ahead = [*read_ahead(closure_of(environment, roots), verdicts), *read_beside(beside, verdicts)]
    verdicts.save()
    found = extension_findings(ahead, environment, imports, free_threaded=True)
    told = [one.message for one in found if one.rule == "FT011"]
    job = _job(task, base)
    write_cache(cache_path("ahead", job), _Seen(job, facts, told))
    return told


def _job(task: str, base: Path) -> str:
    return f"{base}\0{task}"


def _facts_of(paths: Iterable[str]) -> _Facts:
    facts: _Facts = {}
    for path in paths:
        try:
            found = os.stat(path)
        except OSError:
            facts[path] = (0, -1)
        else:
            facts[path] = (found.st_mtime_ns, found.st_size)
    return facts
