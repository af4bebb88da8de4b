"""`run` where the GIL is on: it works, and says which module turned it on."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.conftest import build

NAME = "needsgil"


@pytest.fixture(scope="module")
def extensions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an extension module that needs the GIL."""
    folder = tmp_path_factory.mktemp("extensions")
    build(folder, NAME)
    return folder


def script(code: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a script that finds the module."""
    code = f"import sys; sys.path.insert(0, {str(folder)!r})\nfrom orchestrator import run\n{code}"
    return subprocess.run(
        [sys.executable, *options, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )


def test_a_module_that_was_imported_before(extensions: Path):
    """The warning, and the report, name the module; the results are right."""
    code = f"import {NAME}\nran = run(abs, range(-3, 0))\nprint(ran.results)\nprint(ran)"
    done = script(code, extensions)
    assert done.stdout.startswith("[3, 2, 1]\n")
    assert f"RuntimeWarning: importing {NAME} turned the GIL on" in done.stderr
    assert "GIL on" in done.stdout
    assert f"importing {NAME} turned the GIL on" in done.stdout


def test_a_module_that_the_task_imports(extensions: Path):
    """When an item turns the GIL on, the report names the module."""
    code = f"ran = run(lambda _: __import__({NAME!r}) and None, [1, 2])\nprint(ran)\nprint(ran.report.gil_culprit)"
    done = script(code, extensions)
    assert f"importing {NAME} turned the GIL on meanwhile" in done.stdout
    assert done.stdout.split()[-1] == NAME


@pytest.mark.skipif(not hasattr(sys, "_is_gil_enabled") or sys._is_gil_enabled(), reason="needs a free-threaded Python")
def test_a_gil_that_was_asked_for(tmp_path: Path):
    """With -X gil=1 everything works, and the warning says what to do."""
    done = script("print(run(abs, range(-3, 0)).results)", tmp_path, "-X", "gil=1")
    assert done.stdout == "[3, 2, 1]\n"
    assert "PYTHON_GIL=1 or -X gil=1 turned it on" in done.stderr
