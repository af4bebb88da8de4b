"""Task files to load, each test with import paths and modules of its own."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.tasks.load import Task, load_task

type Load = Callable[..., Task]


@pytest.fixture(autouse=True)
def own_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test imports and puts on the path is gone after it."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)
    yield
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Writes a task file, whose function is `f`, and loads it with the given `with:`."""

    def write_and_load(source: str, **arguments: Any) -> Task:
        (tmp_path / "work.py").write_text(f"from orchestrator.tasks.api import Fold, task\n{source}")
        return load_task("./work.py:f", tmp_path, arguments)

    return write_and_load
