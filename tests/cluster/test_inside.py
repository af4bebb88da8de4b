"""From inside the cluster: the pod's own account, over TLS, with a token that the kubelet replaces."""

import shutil
import ssl
import subprocess

import pytest

from orchestrator.cluster.client import connect as connecting
from orchestrator.cluster.client.api import Api
from orchestrator.cluster.client.connect import Wanted, connect
from orchestrator.errors import ClusterError
from tests.cluster.conftest import kubeconfig
from tests.cluster.controller import End
from tests.cluster.double import Server, serving
from tests.cluster.test_submitting import outlive_token, run


def certificate(folder, name):
    """A certificate that vouches for itself, for 127.0.0.1, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl, to make a certificate")
    path = folder / f"{name}.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", f"{path}.key", "-out", f"{path}.crt", "-days", "2", "-subj", f"/CN={name}"]
    subprocess.run([*command, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    path.write_bytes((folder / f"{name}.pem.crt").read_bytes() + (folder / f"{name}.pem.key").read_bytes())
    return path


@pytest.fixture
def server(tmp_path):
    """The API server's double behind TLS."""
    double = Server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path, "cluster"))
    with serving(double, context) as url:
        double.address, double.token = url, "first"
        yield double


@pytest.fixture
def inside(server, tmp_path, monkeypatch):
    """A pod's surroundings: the account's files, and the variables that name the API server; no kubeconfig."""
    account = tmp_path / "serviceaccount"
    account.mkdir()
    (account / "token").write_text("first")
    (account / "namespace").write_text("work\n")
    (account / "ca.crt").write_bytes((tmp_path / "cluster.pem.crt").read_bytes())
    monkeypatch.setattr(connecting, "_HERE", account)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", server.address.rpartition(":")[2])
    return account


def test_a_pod_submits_as_its_account(inside, server, tmp_path):
    """The token, the cluster's own certificate and the pod's namespace are used; a run goes to its end."""
    api = Api(lambda: connect(Wanted()))
    assert (api.namespace, api.server[:18]) == ("work", "https://127.0.0.1:")
    verdict, _, kept = run(server, api, tmp_path, lambda *_: End(message="m"))
    assert (verdict.exit_code, len(kept)) == (0, 4)


def test_a_token_that_was_replaced(inside, server, tmp_path):
    """The kubelet writes a new token before the old one ends; after 401 the file is read again."""
    api = Api(lambda: connect(Wanted()))
    outlive_token(server, api, tmp_path, inside / "token")


def test_another_certificate_is_not_trusted(inside, server, tmp_path):
    """An API server that the account's certificate does not vouch for is not spoken to: no token is sent."""
    (inside / "ca.crt").write_bytes((certificate(tmp_path, "other").with_name("other.pem.crt")).read_bytes())
    with pytest.raises(ClusterError, match=r"(?i)certificate"):
        Api(lambda: connect(Wanted())).get("/version")
    assert server.asked == []


@pytest.mark.parametrize(("name", "told"), [("token", "token file"), ("ca.crt", "certification"), ("namespace", "")])
def test_a_pod_without_an_account(inside, name, told):
    """Where a file of the account lacks, that is told, with what the pod needs, and not of a kubeconfig."""
    (inside / name).unlink()
    with pytest.raises(ClusterError, match=f"this pod's service account cannot be used: .*{told}") as caught:
        connect(Wanted())
    assert caught.value.where == str(inside)
    assert "automountServiceAccountToken" in (caught.value.hint or "")


def test_a_kubeconfig_goes_before_the_account(inside, server, tmp_path, monkeypatch):
    """Who brings a kubeconfig, or names a context, means that one."""
    (tmp_path / "config").write_text(kubeconfig(server.address, namespace="mine"))
    with pytest.raises(ClusterError, match="there is no kubeconfig"):
        connect(Wanted(context="elsewhere"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    assert connect(Wanted()).namespace == "mine"
