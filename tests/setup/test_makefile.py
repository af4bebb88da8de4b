"""What the words of the Makefile stand for."""

import os
import subprocess

import pytest

from tests.setup.conftest import ROOT


def make(*words, **env):
    """Asks make what it would do, without the variables of a make that runs these tests."""
    of_make = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "PYTHON", "CI", "ALL"}
    inherited = {name: text for name, text in os.environ.items() if name not in of_make}
    return subprocess.run(
        ["make", "-n", *words], cwd=ROOT, env=inherited | env, capture_output=True, text=True, check=False
    )


def test_make_alone_lists_the_words():
    """`make` by itself lists what there is, and does nothing else."""
    ended = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    for word in ("setup", "run", "test", "faults", "bench", "lock", "clean"):
        assert f"  make {word} " in ended.stdout


def test_test_sets_up_first_and_runs_pytest_last():
    """`make test` begins with the set-up and ends with pytest, whose summary is what CI reads."""
    lines = make("test").stdout.splitlines()
    assert lines[0].strip() == "tools/setup"
    assert lines[-1].strip() == ".venv/bin/python -m pytest"


def test_version_has_a_venv_of_its_own():
    """PYTHON=3.15t asks for that version alone, in .venv-3.15t."""
    lines = make("test", "PYTHON=3.15t").stdout.splitlines()
    assert lines[0].strip() == "tools/setup 3.15t"
    assert lines[-1].strip() == ".venv-3.15t/bin/python -m pytest"


def test_unknown_version_is_a_mistake():
    """A PYTHON on the command line that is no known version ends make with the two that are."""
    ended = make("setup", "PYTHON=3.13")
    assert ended.returncode == 2
    assert "set-up knows 3.14t and 3.15t" in ended.stderr


@pytest.mark.parametrize("found", ["python3", "/usr/bin/python3.11"])
def test_python_in_the_environment_is_not_meant_for_us(found):
    """A PYTHON that the environment holds for others' use changes nothing."""
    assert make("setup", PYTHON=found).stdout.strip() == "tools/setup"
