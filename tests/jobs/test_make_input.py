"""Every job that needs input makes it itself: quickly, from what a machine has, the same each time."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.jobs.conftest import ShippedJob

WITH_INPUT = ["columns", "hashing", "textnorm", "thumbnails", "wordcount"]


def contents(folder: Path) -> dict[str, str]:
    """The digest of every file, by its path."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("name", WITH_INPUT)
def test_makes_the_same_again_and_only_once(name: str, shipped: Callable[[str], ShippedJob]):
    """A second run touches nothing; after the input is lost, it is made again byte by byte."""
    job = shipped(name)
    data = job.make_input()
    first, times = contents(data), {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    assert len(first) > 1
    job.make_input()
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == times
    (data / "made").unlink()
    job.make_input()
    assert contents(data) == first
