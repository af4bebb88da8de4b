"""Paths as a job file writes them."""

import os
from pathlib import Path

import pytest

from orchestrator.inputs.paths import below, shown, tidy


@pytest.mark.parametrize(
    ("path", "expected"),
    [(".", "/job"), ("./", "/job"), ("a//b/", "/job/a/b"), ("../a", "/job/../a"), ("/", "/"), ("/x/", "/x")],
)
def test_below(path, expected):
    """A path is taken relative to the job's folder, without a slash at its end."""
    assert below(Path("/job"), path) == os.fsencode(expected)


def test_tidy_keeps_what_links_could_change():
    """Only what can mean nothing else is left out: "a/.." may lead elsewhere when a is a symbolic link."""
    assert tidy("./a//../b/.") == "a/../b"


def test_shown():
    """What cannot be printed is escaped, all else stays."""
    assert shown("é 漢.txt") == "é 漢.txt"
    assert shown(b"a\n\xff") == "a\\n\\udcff"
