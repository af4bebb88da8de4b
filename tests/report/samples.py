"""A report made by hand: a good run on two threads; tests change what they are about."""

from typing import Any

import msgspec

from orchestrator.engine.runreport import OutputReport, RunReport
from orchestrator.host.cpus import ThreadDecision
from orchestrator.host.facts import HostFacts
from orchestrator.host.interpreter import BackendDecision, InterpreterFacts
from orchestrator.measure.node import ChunkReport, NodeReport, Pauses, ThreadReport
from orchestrator.run.records import Failure

PYTHON = InterpreterFacts(
    version="3.14.7",
    implementation="CPython",
    executable="/opt/python",
    platform="linux-x86_64",
    compiler="GCC",
    free_threaded=True,
    gil_enabled=False,
)
HOST = HostFacts(
    hostname="node-1",
    kernel="6.1",
    boot_id=None,
    cpu_model="Some CPU",
    cpus=8,
    affinity=2,
    physical_cores=2,
    cpuset=None,
    cgroups="v2",
    quota=None,
    throttling=(),
    memory_total=None,
    memory_available=None,
    memory_limit=None,
    memory_usage=None,
    resident=None,
    interpreter=PYTHON,
)
NODE = NodeReport(
    state="done",
    reason="every item is settled",
    complete=True,
    host=HOST,
    threads=ThreadDecision(2, "2 CPUs in the affinity mask, no CPU quota"),
    backend=BackendDecision("threads", "the GIL is off"),
    items=1000,
    nbytes=5_000_000,
    failed=0,
    wall_seconds=2.0,
    setup_seconds=0.25,
    user_seconds=3.5,
    system_seconds=0.25,
    peak_rss=50_000_000,
    commits=3,
    lanes=[ThreadReport(0, 2.0, 1.94, 0.97, 40, 500), ThreadReport(1, 2.0, 1.0, 0.5, 40, 500)],
    chunks=ChunkReport(80, 1, 12.5, 32, 0.025),
    pauses=Pauses(),
    throttled=None,
    gil_enabled=False,
    gil_culprit=None,
    warnings=[],
)
REPORT = RunReport(
    run="hash-1",
    folder="/jobs/.ftorch/runs/hash-1",
    state="done",
    reason="every item is settled",
    total_items=1000,
    items=1000,
    nbytes=5_000_000,
    failed=0,
    examples=[],
    failures=None,
    output=OutputReport("/jobs/out.jsonl", 120_000, 1),
    nodes=[NODE],
    notes=[],
    restarts=[],
    ended=0.0,
)


def node(**changes: Any) -> NodeReport:
    """The node, changed."""
    return msgspec.structs.replace(NODE, **changes)


def report(*nodes: NodeReport, **changes: Any) -> RunReport:
    """The report, changed; with these nodes if any are given."""
    return msgspec.structs.replace(REPORT, **({"nodes": list(nodes)} if nodes else {}), **changes)


def failure(number: int, attempts: int = 3) -> Failure:
    """An item that failed."""
    return Failure(f"k{number}", f"no {number}", "ValueError", "Traceback …", attempts, (0, 10), number)
