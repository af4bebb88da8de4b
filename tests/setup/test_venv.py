"""What set-up makes of the lock: a whole .venv, or none that a later call would take for whole."""

import ensurepip
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.setup.conftest import program

# A virtual environment of a real interpreter, sharing one pip from the wheel that every Python carries: installing
# that into each of them takes longer than all the rest.
QUICK = """
real={real} pip={pip}
[ "$1 $2" = "-m venv" ] || exec "$real" "$@"
"$real" -m venv --without-pip --clear "$4"
for site in "$4"/lib/python*/site-packages; do echo "$pip" >"$site/pip.pth"; done"""


@pytest.fixture(scope="session")
def pip(tmp_path_factory):
    """A folder to import pip from."""
    (wheel,) = Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl")
    folder = tmp_path_factory.mktemp("pip")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def python(tmp_path, pip):
    """The interpreter that runs the tests, quicker at virtual environments."""
    real = getattr(sys, "_base_executable", sys.executable)
    return str(program(tmp_path / "quick-python", QUICK.format(real=real, pip=pip)))


@pytest.fixture
def ready(project, python):
    """The project, set up."""
    ended = project.setup(FTORCH_PYTHON=python)
    assert ended.returncode == 0, ended.stdout
    return project


def test_second_run_changes_nothing(ready, python):
    """A call with nothing to do says nothing and touches nothing; a new project file costs the project alone."""
    assert subprocess.check_output([ready.root / ".venv/bin/ftorch"], text=True) == "tiny works\n"
    before = ready.stamp.stat().st_ino, ready.stamp.stat().st_mtime_ns
    for env in ({}, {"FTORCH_PYTHON": python}):
        ended = ready.setup(**env)
        assert (ended.returncode, ended.stdout) == (0, "")
    assert (ready.stamp.stat().st_ino, ready.stamp.stat().st_mtime_ns) == before

    kept = ready.root / ".venv/kept"
    kept.touch()
    with (ready.root / "pyproject.toml").open("a") as file:
        file.write("# another line\n")
    ended = ready.setup()
    assert ended.returncode == 0
    assert "making .venv" not in ended.stdout
    assert kept.exists()
    assert ready.setup().stdout == ""


def test_package_that_is_not_what_was_locked(project, python):
    """A package whose hash differs is refused, and the .venv is not taken for whole until the lock is right."""
    project.lock("0" * 64)
    ended = project.setup(FTORCH_PYTHON=python)
    assert ended.returncode == 1
    assert "DO NOT MATCH THE HASHES" in ended.stdout
    assert f"the whole log: {project.root}/.cache/setup/pip.log" in ended.stdout
    assert not project.stamp.exists()

    project.lock()
    assert project.setup(FTORCH_PYTHON=python).returncode == 0
    assert subprocess.check_output([project.root / ".venv/bin/ftorch"], text=True) == "tiny works\n"


def test_folder_that_was_moved(ready, python):
    """A .venv carried to another folder is made again: its scripts name the old one."""
    moved = ready.root.with_name("moved")
    os.rename(ready.root, moved)
    there = type(ready)(moved, ready.env | {"PIP_FIND_LINKS": f"{moved}/wheels"})
    assert f"making .venv with {python}" in there.setup().stdout
    assert (moved / ".venv/bin/ftorch").read_text().startswith(f"#!{moved}/.venv/bin/python")
