"""A folder for a job to compare, and the suite's own assertions explained."""

from pathlib import Path

import pytest

from tests.command import Place

pytest.register_assert_rewrite("tests.conformance.contestant_suite")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder for a job."""
    folder = tmp_path / "place"
    folder.mkdir()
    return Place(folder)
