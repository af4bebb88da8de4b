"""A folder for a job."""

from pathlib import Path

import pytest

from tests.command import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder."""
    return Place(tmp_path)
