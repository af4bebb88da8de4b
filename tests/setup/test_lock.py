"""The lock and the project say the same, and what is installed is what is locked."""

import re
from importlib.metadata import distributions

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.setup.conftest import ROOT
from tools.check_lock import disagreements

PROJECT = """
[build-system]
requires = ["build-tool >= 1"]
[project]
dependencies = ["Some.Thing >= 2"]
optional-dependencies = {extra = ["other ; python_version > '3'"]}
"""
HASH = " \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n"
LOCK = f"# a remark\nbuild-tool==1.5{HASH}other==7 ; python_version > '3'{HASH}some-thing==2.0{HASH}"


def test_this_lock_is_what_this_project_wants():
    """requirements.lock satisfies pyproject.toml: every extra, with hashes, without a host's name."""
    lock = (ROOT / "requirements.lock").read_text()
    assert disagreements((ROOT / "pyproject.toml").read_text(), lock) == []


def test_lock_that_agrees():
    """Names are compared as package indexes compare them, and markers do not matter."""
    assert disagreements(PROJECT, LOCK) == []


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("other==7", "another==7", "other is in pyproject.toml and not in the lock"),
        ("build-tool==1.5", "build-tool==0.9", "the lock has build-tool 0.9, and pyproject.toml wants >=1"),
        (f"some-thing==2.0{HASH}", "some-thing==2.0 \n", "some-thing is locked without a hash"),
        ("# a remark", "--index-url x", "not a version and its hashes: --index-url x"),
        (
            "# a remark",
            "a @ https://a.invalid/a.whl",
            "not a version and its hashes: a @ https://a.invalid/a.whl",
        ),
    ],
)
def test_lock_that_disagrees(was, now, said):
    """Each way in which a lock can differ is named."""
    assert was in LOCK
    assert disagreements(PROJECT, LOCK.replace(was, now)) == [said]


def test_installed_is_what_is_locked():
    """This environment has each locked package that is meant for it, at its version, and nothing besides."""
    lock = (ROOT / "requirements.lock").read_text()
    pins = [Requirement(line) for line in re.findall(r"^([A-Za-z][^\\\n]*)", lock, re.MULTILINE)]
    environment = default_environment()
    meant = {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in pins
        if pin.marker is None or pin.marker.evaluate(environment)
    }
    installed = {canonicalize_name(found.name): found.version for found in distributions()}
    for ours in ("pip", "ftorch"):
        installed.pop(ours, None)
    assert installed == meant
