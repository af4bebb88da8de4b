"""A store in a bucket keeps the promises of the store protocol: on moto, and on a real server where there is one."""

import os

import pytest

from orchestrator.store.base import Store
from orchestrator.store.open import open_store
from tests.conformance.store_suite import StoreSuite


class TestStoreInABucket(StoreSuite):
    @pytest.fixture
    def store(self, s3: str) -> Store:
        """An empty store."""
        return open_store(s3)


@pytest.mark.skipif("FTORCH_TEST_S3" not in os.environ, reason="FTORCH_TEST_S3 names no bucket of a real S3 server")
class TestStoreOnARealServer(StoreSuite):
    """FTORCH_TEST_S3=s3://bucket/prefix, with AWS_ENDPOINT_URL and credentials in the environment."""

    @pytest.fixture
    def store(self) -> Store:
        """An empty store."""
        return open_store(f"{os.environ['FTORCH_TEST_S3'].rstrip('/')}/{os.urandom(4).hex()}")


class TestStoreInMemory(StoreSuite):
    @pytest.fixture
    def store(self) -> Store:
        """An empty store."""
        return open_store(f"memory://{os.urandom(4).hex()}")
