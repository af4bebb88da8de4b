"""What set-up makes of the lock: a whole .venv, or none that a later call would take for whole."""

import os
import subprocess
import sys

import pytest

PYTHON = getattr(sys, "_base_executable", sys.executable)


@pytest.fixture
def ready(project):
    """The project, set up with the interpreter that runs the tests."""
    ended = project.setup(FTORCH_PYTHON=PYTHON)
    assert ended.returncode == 0, ended.stdout
    return project


def test_second_run_changes_nothing(ready):
    """A call with nothing to do says nothing and touches nothing; a new project file costs the project alone."""
    assert subprocess.check_output([ready.root / ".venv/bin/ftorch"], text=True) == "tiny works\n"
    before = ready.stamp.stat()
    for env in ({}, {"FTORCH_PYTHON": PYTHON}):
        ended = ready.setup(**env)
        assert (ended.returncode, ended.stdout) == (0, "")
    assert ready.stamp.stat() == before

    kept = ready.root / ".venv/kept"
    kept.touch()
    with (ready.root / "pyproject.toml").open("a") as file:
        file.write("# another line\n")
    ended = ready.setup()
    assert ended.returncode == 0
    assert "making .venv" not in ended.stdout
    assert kept.exists()
    assert ready.setup().stdout == ""


def test_package_that_is_not_what_was_locked(project):
    """A package whose hash differs is refused, and the .venv is not taken for whole until the lock is right."""
    project.lock("0" * 64)
    ended = project.setup(FTORCH_PYTHON=PYTHON)
    assert ended.returncode == 1
    assert "DO NOT MATCH THE HASHES" in ended.stdout
    assert f"the whole log: {project.root}/.cache/setup/pip.log" in ended.stdout
    assert not project.stamp.exists()

    project.lock()
    assert project.setup(FTORCH_PYTHON=PYTHON).returncode == 0
    assert subprocess.check_output([project.root / ".venv/bin/ftorch"], text=True) == "tiny works\n"


def test_folder_that_was_moved(ready):
    """A .venv carried to another folder is made again: its scripts name the old one."""
    moved = ready.root.with_name("moved")
    os.rename(ready.root, moved)
    there = type(ready)(moved, ready.env | {"PIP_FIND_LINKS": f"{moved}/wheels"})
    assert f"making .venv with {PYTHON}" in there.setup().stdout
    assert (moved / ".venv/bin/ftorch").read_text().startswith(f"#!{moved}/.venv/bin/python")
