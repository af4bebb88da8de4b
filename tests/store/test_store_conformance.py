"""Every store keeps the promises of the store protocol."""

from pathlib import Path

import pytest

from orchestrator.store.local import LocalStore
from orchestrator.store.memory import MemoryStore
from tests.conformance.store_suite import StoreSuite


class TestMemoryStore(StoreSuite):
    @pytest.fixture
    def store(self) -> MemoryStore:
        """An empty store."""
        return MemoryStore()


class TestLocalStore(StoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LocalStore:
        """An empty store, whose folder is not there yet."""
        return LocalStore(tmp_path / "a" / "store")
