"""`ftorch doctor`: what this machine offers, and what would hold a job back."""

import os
import sys
from pathlib import Path

import click
from msgspec import Struct

from orchestrator.cli.options import json_option
from orchestrator.cli.show import print_json
from orchestrator.cli.streams import say, width_of
from orchestrator.host.cpus import ThreadDecision, cpu_facts, decide_threads
from orchestrator.host.facts import HostFacts, describe_host
from orchestrator.host.interpreter import BackendDecision, decide_backend
from orchestrator.host.native import native_pool_caps
from orchestrator.report.lines import Row, labelled
from orchestrator.report.words import size

EPILOG = """\b
Examples:
  ftorch doctor
  docker run --rm --cpus 1.5 IMAGE doctor --json
"""

PGO_SETUP = "`FTORCH_PGO=1 make setup` builds one with it"
PGO_IMAGE = "`docker build --build-arg FTORCH_PGO=1 .` in ftorch's repository builds this image with one"
# What the image's build writes, below its Python: here is the image then.
BILL_OF_MATERIALS = "share/sbom/ftorch.cdx.json"


class Diagnosis(Struct, frozen=True):
    """What `ftorch doctor` says: the machine, and what a job with default settings would get."""

    host: HostFacts
    threads: ThreadDecision
    backend: BackendDecision
    native_pools: dict[str, str]
    advice: list[str]


@click.command(epilog=EPILOG)
@json_option
def command(as_json: bool) -> None:
    """Say what this machine offers: Python and its GIL, CPUs and quota, memory, thread pools, and what to change."""
    diagnosis = examine()
    if as_json:
        print_json(diagnosis)
        return
    say("\n".join(labelled(_rows(diagnosis), width_of(sys.stdout))))


def examine() -> Diagnosis:
    """Look at this machine."""
    host = describe_host()
    threads = decide_threads("auto", "cpu", "floor", os.environ, cpu_facts())
    backend = decide_backend("auto", "preferred", host.interpreter)
    pools = native_pool_caps(os.environ, threads.threads)
    return Diagnosis(host, threads, backend, pools, _advice(host, threads, backend))


def _advice(host: HostFacts, threads: ThreadDecision, backend: BackendDecision) -> list[str]:
    advice = [*threads.warnings, *backend.warnings]
    python = host.interpreter
    if not python.free_threaded:
        advice.append(
            "this Python has a GIL: jobs run on processes; `uv python install 3.14t` or `make setup` gets one without"
        )
    elif python.optimised is False:
        builds = PGO_IMAGE if (Path(sys.base_prefix) / BILL_OF_MATERIALS).exists() else PGO_SETUP
        advice.append(f"this Python was built without profile-guided optimisation: about 1.2 times slower; {builds}")
    if host.quota is not None and host.quota.cpus != int(host.quota.cpus):
        advice.append(
            f"the quota is {host.quota.cpus:g} CPUs, not a whole number: the rest is lost, or throttles one thread"
        )
    return advice


def _rows(diagnosis: Diagnosis) -> list[Row]:
    host = diagnosis.host
    python = host.interpreter
    quota = "none" if host.quota is None else str(host.quota)
    limit = "none" if host.memory_limit is None else str(host.memory_limit)
    total = "unknown" if host.memory_total is None else size(host.memory_total)
    gil = "free-threaded, GIL off" if not python.gil_enabled else "GIL on"
    cores = f"{host.affinity} in the affinity mask, {host.physical_cores} physical cores"
    rows = [
        ("host", f"{host.hostname}, {host.kernel}"),
        ("python", f"{python.version} ({gil}), {python.executable}"),
        ("cpus", f"{cores}, {host.cpu_model or 'unknown model'}"),
        ("quota", f"{quota} (cgroups {host.cgroups or 'not mounted'})"),
        ("memory", f"{total}, limit {limit}"),
        ("threads", f"{diagnosis.threads.threads}: {diagnosis.threads.reason}"),
        ("backend", f"{diagnosis.backend.backend}: {diagnosis.backend.reason}"),
        (
            "pools",
            ", ".join(f"{name}={value}" for name, value in diagnosis.native_pools.items()) or "set by you",
        ),
    ]
    rows += [("advice", line) for line in diagnosis.advice] or [("advice", "nothing to change")]
    return rows
