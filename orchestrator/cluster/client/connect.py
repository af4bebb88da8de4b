"""Where the cluster is and who we are: kubeconfig, exec plugins, tokens, the pod's own account; all by `kubernetes`."""

import logging
import os
from pathlib import Path
from typing import Any, NoReturn

from msgspec import Struct
from yaml import YAMLError

from orchestrator.errors import ClusterError, MissingExtra

_HERE = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_HINT = "Name one with KUBECONFIG=/path/to/file; `kubectl cluster-info` tells whether it works."


class Wanted(Struct, frozen=True):
    """Which cluster is meant.

    Attributes:
        context: of the kubeconfig; None for its current one, or the cluster that this pod is in.
        namespace: None for the context's.
    """

    context: str | None = None
    namespace: str | None = None


class _Heard(logging.Handler):
    """Hears what `kubernetes` says of an exec plugin that fails: it logs that, and goes on without credentials."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(" ".join(record.getMessage().split()))


class Connection(Struct, frozen=True):
    """A way to one cluster.

    Attributes:
        client: `kubernetes.client.ApiClient`, with credentials.
        namespace: where runs go.
    """

    client: Any
    namespace: str


def connect(wanted: Wanted) -> Connection:
    """A connection with fresh credentials; nothing is sent yet, but an exec plugin is run.

    Raises:
        MissingExtra: `kubernetes` is not installed.
        ClusterError: there is no kubeconfig, or it is not one, or has no such context, or its plugin fails.
    """
    _require()
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException

    # It warns of each request that is sent again, which is told by us where it matters.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    settings = Configuration()
    settings.retries = _retries()
    heard = _Heard()
    logging.getLogger().addHandler(heard)
    try:
        namespace = _load(wanted, settings)
    except (ConfigException, YAMLError, OSError, ValueError, KeyError, TypeError) as error:
        _explain(error, wanted)
    finally:
        logging.getLogger().removeHandler(heard)
    if heard.messages:
        raise ClusterError(
            f"the kubeconfig's credentials cannot be had: {heard.messages[-1]}",
            where=_files(),
            hint="Does the kubeconfig's login command work by itself? `kubectl auth whoami` runs it, too.",
        )
    from kubernetes.client import ApiClient

    return Connection(ApiClient(settings), wanted.namespace or namespace or "default")


def _files() -> str:
    return os.environ.get("KUBECONFIG") or "~/.kube/config"


def _require() -> None:
    try:
        import kubernetes  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            f"a cluster needs the package kubernetes, which cannot be imported: {error}",
            hint="Install it: pip install 'ftorch[kubernetes]'",
        ) from error


def _load(wanted: Wanted, settings: Any) -> str | None:
    from kubernetes.config import list_kube_config_contexts, load_kube_config

    files = _files()
    if any(Path(file).expanduser().exists() for file in files.split(os.pathsep) if file):
        load_kube_config(files, wanted.context, settings)
        contexts, current = list_kube_config_contexts(files)
        chosen = next((each for each in contexts if each["name"] == wanted.context), current)
        return str(chosen["context"].get("namespace") or "") or None
    if wanted.context is None and "KUBERNETES_SERVICE_HOST" in os.environ:
        return _load_here(settings)
    raise FileNotFoundError(files)


def _load_here(settings: Any) -> str:
    """The cluster that this pod is in, as its service account; the pod's namespace.

    Raises:
        ClusterError: the pod has none.
    """
    from kubernetes.config import ConfigException
    from kubernetes.config.incluster_config import InClusterConfigLoader

    try:
        InClusterConfigLoader(str(_HERE / "token"), str(_HERE / "ca.crt")).load_and_set(settings)
        return (_HERE / "namespace").read_text().strip()
    except (ConfigException, OSError) as error:
        raise ClusterError(
            f"there is no kubeconfig, and this pod's service account cannot be used: {' '.join(str(error).split())}",
            where=str(_HERE),
            hint="Give the pod a service account with a token (automountServiceAccountToken: true) and a Role; "
            "the chart makes both for those who submit from inside the cluster.",
        ) from None


def _explain(error: Exception, wanted: Wanted) -> NoReturn:
    files = _files()
    if isinstance(error, FileNotFoundError) and error.args == (files,):
        raise ClusterError("there is no kubeconfig", where=files, hint=_HINT) from None
    text = " ".join(str(error).split())
    if "exec:" in text or isinstance(error, FileNotFoundError | PermissionError):
        raise ClusterError(f"the kubeconfig's credentials cannot be had: {text}", where=files, hint=_HINT) from None
    if wanted.context is not None and "context" in text:
        raise ClusterError(
            f"there is no context {wanted.context!r}",
            where=files,
            hint="`kubectl config get-contexts` lists them.",
        ) from None
    raise ClusterError(f"the kubeconfig cannot be used: {text}", where=files, hint=_HINT) from None


def _retries() -> Any:
    """Requests that failed for a reason that passes are sent again; all of ours may be: none adds anything twice."""
    from urllib3.util import Retry

    return Retry(
        total=5,
        connect=2,
        other=0,  # a certificate that is not trusted, say
        backoff_factor=0.2,
        backoff_max=5.0,
        status_forcelist=(429, 500, 502, 503, 504),
        allowed_methods=None,
        raise_on_status=False,
        retry_after_max=60,
    )
