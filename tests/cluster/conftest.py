"""A folder for a job, in which the command runs."""

from pathlib import Path

import pytest

from tests.command import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder."""
    folder = tmp_path / "place"
    folder.mkdir()
    return Place(folder)
