"""A folder for a job, and a cluster made of doubles, with a kubeconfig that leads to it."""

from pathlib import Path

import pytest
import yaml

from orchestrator.cluster.client.api import Api
from orchestrator.cluster.client.connect import Wanted, connect
from tests.cluster.double import Server, serving
from tests.command import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder."""
    folder = tmp_path / "place"
    folder.mkdir()
    return Place(folder)


def kubeconfig(url, user=None, namespace="work"):
    """A kubeconfig as kubectl writes it."""
    context = {"cluster": "c", "user": "u", "namespace": namespace}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": user or {}}],
            "contexts": [{"name": "here", "context": context}],
        }
    )


@pytest.fixture
def server(tmp_path, monkeypatch):
    """The API server's double, and KUBECONFIG set to it."""
    double = Server()
    with serving(double) as url:
        (tmp_path / "config").write_text(kubeconfig(url))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        double.address = url
        yield double


@pytest.fixture
def api(server):
    """Our client of it."""
    return Api(lambda: connect(Wanted()))
