"""The quick part of the audit, for `ftorch submit`: what the job can reach that would turn the GIL on.

Guarantees: where neither the job's own files nor what is installed has changed, one small file is read and nothing is
imported; otherwise it ends by its deadline, and goes on the next time with what it has not read.
"""

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from orchestrator.host.caches import cache_path, read_cache, write_cache

_DEADLINE = 0.1

type _Facts = dict[str, tuple[int, int]]


class _Seen(Struct, frozen=True):
    """What was found, and the files and folders it depends on: time of change (ns), and size."""

    job: str
    facts: _Facts
    told: list[str]


def look_ahead(task: str, base: Path) -> list[str]:
    """What a job should be told before it runs, a line each.

    Args:
        task: its reference, "module:function" or "./file.py:function".
        base: the job file's folder.
    """
    if getattr(sys.flags, "gil", 1) is not None:
        return []
    job = f"{base}\0{task}"
    path = cache_path("ahead", job)
    seen = read_cache(path, _Seen)
    if seen is not None and seen.job == job and _facts_of(seen.facts) == seen.facts:
        return seen.told
    return _look(task.partition(":")[0], base, job, path)


def _look(target: str, base: Path, job: str, path: Path) -> list[str]:
    until = time.monotonic() + _DEADLINE
    from orchestrator.audit.closure import closure_of
    from orchestrator.audit.distributions import Environment
    from orchestrator.audit.extensions import read_ahead
    from orchestrator.audit.judging import extension_findings
    from orchestrator.audit.reach import reach_of
    from orchestrator.audit.roots import import_paths, roots_of
    from orchestrator.host.verdicts import Verdicts

    verdicts = Verdicts()
    reach, environment = reach_of(target, base), Environment(import_paths(target, base))
    roots, imports = roots_of(target, reach, environment)
    ahead, whole = [], True
    for one in closure_of(environment, roots):
        if time.monotonic() > until:
            whole = False
            break
        ahead += read_ahead([one], verdicts)
    verdicts.save()
    found = extension_findings(ahead, environment, imports, free_threaded=True)
    told = [one.message for one in found if one.rule == "FT011"]
    if whole:
        folders = [entry for entry in sys.path if os.path.isdir(entry)]
        write_cache(path, _Seen(job, _facts_of([*map(str, reach.files), *folders]), told))
    return told


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
