"""A store in a bucket keeps the promises of the store protocol, and a ledger there its own: on moto, and a real server.

Azurite is tried where `azurite-blob` is installed. A real server is named by FTORCH_TEST_S3=s3://bucket/prefix, with
AWS_ENDPOINT_URL and credentials in the environment.
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from orchestrator.store.base import Store
from orchestrator.store.open import open_store
from tests.conformance.store_suite import StoreSuite
from tests.remote.servers import AZURITE
from tests.run.test_ledger_model import TwoOwners

REAL = os.environ.get("FTORCH_TEST_S3")


def anew(url: str) -> Store:
    """An empty store below a URL."""
    return open_store(f"{url.rstrip('/')}/{os.urandom(6).hex()}")


class TestStoreInABucket(StoreSuite):
    @pytest.fixture
    def store(self, s3: str) -> Store:
        """An empty store."""
        return anew(s3)


class TestStoreInMemory(StoreSuite):
    @pytest.fixture
    def store(self) -> Store:
        """An empty store."""
        return anew("memory://x")


if REAL:

    class TestStoreOnARealServer(StoreSuite):
        @pytest.fixture
        def store(self) -> Store:
            """An empty store."""
            assert REAL
            return anew(REAL)


if AZURITE:

    class TestStoreInAzure(StoreSuite):
        @pytest.fixture
        def store(self, azure: str) -> Store:
            """An empty store."""
            return anew(azure)


def two_owners(url: str, examples: int) -> None:
    """Have two owners of a shard crash, fence each other and lose answers, in stores below a URL."""

    class InABucket(TwoOwners):
        def new_store(self) -> Store:
            """An empty store."""
            return anew(url)

    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    asked = settings(max_examples=examples, stateful_step_count=10, deadline=None, suppress_health_check=checks)
    run_state_machine_as_test(InABucket, settings=asked)


def test_a_ledger_in_a_bucket(s3: str) -> None:
    """No commit is changed or lost, and every item is there once, whatever two owners do."""
    two_owners(s3, 5)


def test_a_ledger_in_azure(azure: str) -> None:
    """As on moto."""
    two_owners(azure, 5)


@pytest.fixture
def real() -> str:
    """A URL on a real server."""
    if not REAL:
        pytest.skip("FTORCH_TEST_S3 names no bucket of a real S3 server (Ceph's gateway, say)")
    return REAL


def test_a_ledger_on_a_real_server(real: str) -> None:
    """As on moto."""
    two_owners(real, 5)
