"""A real job under free-threaded Python 3.15, where this machine has one."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import COMMAND, ROOT, Place, environment

NAME = "python3.15t"
NEEDED = "import click, msgspec, psutil, rich, yaml"
SOURCE = "from orchestrator import serialize_iterator\nimport threading\n\ndef f(n):\n"
SOURCE += "    assert serialize_iterator([]).__class__ is threading.serialize_iterator\n    return n * n\n"


def interpreters() -> Iterator[str]:
    """Where a 3.15t may be: a virtual environment of set-up's, PATH, the user's cache."""
    yield str(ROOT / ".venv-3.15t" / "bin" / "python")
    yield shutil.which(NAME) or ""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    yield from map(str, sorted(cache.glob(f"ftorch/python/3.15*/bin/{NAME}")))


@pytest.fixture
def python() -> str:
    """A 3.15t that has what ftorch needs."""
    there = [path for path in interpreters() if os.access(path, os.X_OK)]
    if not there:
        pytest.skip(f"needs {NAME}: make setup PYTHON=3.15t")
    fit = (
        path for path in there if subprocess.run([path, "-c", NEEDED], capture_output=True, check=False).returncode == 0
    )
    found = next(fit, None)
    if found is None:
        pytest.skip(f"needs ftorch's packages for {there[0]}: make setup PYTHON=3.15t")
    return found


@pytest.mark.slow
def test_a_job_on_3_15(place: Place, python: str):
    """The command runs a job on threads with the GIL off, tells its version, and the results are right."""
    place.job(SOURCE, input={"range": {"stop": 2000}})
    command = [python, *COMMAND[1:], "submit", "job.yaml"]
    done = subprocess.run(command, cwd=place.path, env=environment({}), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "3.15" in done.stdout
    assert "free-threaded, GIL off" in done.stdout
    assert place.results() == [n * n for n in range(2000)]
