"""Contestants of `ftorch compare`, one turn each: what benchmarks share that put a job beside a Redis fleet."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Results
from orchestrator.compare.backends import Backend, find_backends
from orchestrator.compare.choosing import Chooser
from orchestrator.compare.sample import Wanted, prepared
from orchestrator.compare.turn import Course
from orchestrator.spec.load import load_job

WORKERS = 2


def course_of(job: Path, overrides: Sequence[str], scratch: Path) -> Course:
    """All items of a job, for two workers."""
    spec = prepared(load_job(job, overrides), False, WORKERS)
    folder = Path(tempfile.mkdtemp(dir=scratch))
    return Chooser(spec, job.parent, folder, None, lambda _: None)(Wanted(limit=1 << 40))[1]


def backends(names: Sequence[str], results: Results) -> list[Backend]:
    """Those of that name that can be had here; the others are noted."""
    found = find_backends(names, WORKERS, None)
    results.notes += [f"{backend.name} was left out: {backend.refused}" for backend in found if backend.refused]
    return [backend for backend in found if not backend.refused]
