"""The rules held to a real API server, by dry runs; with FTORCH_RECORD=1 what it says is written to the recorded file.

Needs a kubeconfig (or FTORCH_CLUSTER_CONTEXT) of a cluster in whose default namespace Jobs may be created:
`pytest -m cluster tests/cluster/test_rules_there.py`.
"""

import json
import os

import pytest

from orchestrator.cluster.client.api import Api
from orchestrator.cluster.client.applying import try_out, version_of
from orchestrator.cluster.client.connect import Wanted, connect
from orchestrator.errors import ClusterError, FtorchError
from tests.cluster.test_rules import CASES, RECORDED, broken, made

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def there():
    """The cluster."""
    try:
        found = Api(lambda: connect(Wanted(os.environ.get("FTORCH_CLUSTER_CONTEXT"))))
        version_of(found)
    except ClusterError as error:
        pytest.skip(f"needs a cluster: {error.message}")
    return found


def said(api, case):
    """What the server says of an object that breaks a rule."""
    with pytest.raises(FtorchError) as caught:
        try_out(api, [broken(made(case["kind"]), case["path"], case["value"])])
    return caught.value.message


@pytest.mark.parametrize("case", CASES, ids=[case["says"].split(": ")[0] for case in CASES])
def test_the_server_says_the_same(there, case):
    """A dry run of the broken object is refused with the very words that our rule has."""
    assert case["says"] in said(there, case)


@pytest.mark.skipif("FTORCH_RECORD" not in os.environ, reason="records what the server says: FTORCH_RECORD=1")
def test_record(there):
    """What the server says of each broken object is kept, with the server's version."""
    recorded = json.loads(RECORDED.read_text())
    recorded["server"] = ".".join(map(str, version_of(there)))
    for case in recorded["refusals"]:
        case["server_says"] = said(there, case)
    RECORDED.write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n")
