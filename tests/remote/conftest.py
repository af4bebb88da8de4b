"""Buckets to test with: on moto always, on Ceph's gateway where one is named by FTORCH_TEST_S3."""

import itertools
import os
from collections.abc import Callable, Iterator

import pytest

from orchestrator.store.access import Usual
from orchestrator.store.open import open_store
from orchestrator.store.remote import RemoteStore
from tests.remote.servers import AZURITE_KEY, Proxy, azurite_server, make_bucket, make_container, moto_server

pytest.register_assert_rewrite("tests.conformance.store_suite")

KEY, SECRET = "AKIDEXAMPLE", "not-to-be-printed-anywhere"
_serial = itertools.count()

type OpenStore = Callable[..., RemoteStore]


class Patience:
    """A duration."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Patience) and other.seconds == self.seconds

    def __hash__(self) -> int:
        return hash(self.seconds)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of an S3 server."""
    with moto_server() as url:
        make_bucket(url, "bucket")
        yield url


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Credentials in the environment, and none of the machine's own."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture
def s3(server: str, keys: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """A URL below which there is nothing, on the server that the environment names."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    return f"s3://bucket/{os.getpid()}-{next(_serial)}"


@pytest.fixture(scope="session")
def azurite() -> Iterator[str]:
    """The URL of an Azure account."""
    with azurite_server() as url:
        make_container(url, "container")
        yield url


@pytest.fixture
def azure(azurite: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A URL below which there is nothing, in the account that the environment names."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", azurite.rpartition("/")[2])
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", AZURITE_KEY)
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", azurite)
    return f"az://container/{os.getpid()}-{next(_serial)}"


@pytest.fixture
def proxy(server: str) -> Iterator[Proxy]:
    """A proxy in front of the server, which does nothing to requests until it is told."""
    proxy = Proxy(server)
    yield proxy
    proxy.close()


@pytest.fixture
def through(s3: str, proxy: Proxy) -> OpenStore:
    """Opens a store below the URL, through the proxy."""

    def open_(patience: float = 20.0, timeout: float = 20.0) -> RemoteStore:
        access = Usual(endpoint_url=proxy.url, timeout=Patience(timeout), retry_timeout=Patience(patience))
        store = open_store(s3, access)
        assert isinstance(store, RemoteStore)
        return store

    return open_
