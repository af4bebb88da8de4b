"""`gc: auto` on real jobs: collections become rarer where they cost, and memory stays bounded."""

import gc
import sysconfig

import pytest

from orchestrator.host.memory import find_memory_limits
from tests.command import Place

# Goes on until the collector was changed: no speed of the machine is assumed.
LITTER = """
import gc
import threading
import time

OWN = threading.local()
END = time.monotonic() + {seconds}

def litter():
    if not hasattr(OWN, "kept") or len(OWN.kept) > 400_000:
        OWN.kept = []
    OWN.kept.extend([number] for number in range(5_000))

def f(n):
    while {waiting} and time.monotonic() < END:
        litter()
    return gc.isenabled(), gc.get_threshold()[0]
"""
# When the collector is off: 3 GB of garbage that only it can free.
CYCLES = """
def g(n):
    f(n)
    OWN.kept = []
    for _ in range(1_000):
        ring = [bytearray(1_000)]
        ring.append(ring)
    return n
"""
FIRST = gc.get_threshold()[0]
TWO = ("--threads", "2")
FEW = {"input": {"range": {"stop": 40}}, "measure": {"scaling": "off"}}


@pytest.fixture
def adapts() -> None:
    """Skip where a run keeps to Python's own collections."""
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip("needs a free-threaded Python")
    limits = find_memory_limits()
    limit, usage = limits.limit(), limits.usage()
    if limit is not None and usage is not None and usage.working_set_bytes > 0.4 * limit.limit_bytes:
        pytest.skip(f"needs a cgroup with more memory to spare: {usage.working_set_bytes} of {limit.limit_bytes} used")


@pytest.mark.usefixtures("adapts")
def test_many_live_containers_turn_collections_off(place: Place):
    """Threads that keep many containers: the threshold is raised, then collecting is off; the report says why."""
    place.job(LITTER.format(waiting="gc.isenabled()", seconds=60), **FEW)
    [node] = place.submit(*TWO)["nodes"]
    chosen = node["collecting"]
    assert chosen["mode"] == "off", chosen
    assert chosen["reason"].startswith(f"threshold {16 * FIRST:,} for ")
    assert "; off for " in chosen["reason"]
    assert place.results()[-1] == [False, 16 * FIRST]


@pytest.mark.usefixtures("adapts")
def test_cyclic_garbage_is_freed_although_collections_had_stopped(place: Place):
    """After collecting was turned off, garbage in cycles makes memory grow, and is freed before it grows far."""
    source = LITTER.format(waiting="n == 0 and gc.isenabled()", seconds=60) + CYCLES
    place.job(source, task="./task.py:g", **{**FEW, "input": {"range": {"stop": 3_000}}})
    [node] = place.submit("--threads", "1")["nodes"]
    assert "; off for " in node["collecting"]["reason"], node["collecting"]
    assert node["pauses"]["freed"] > 1_000_000
    assert node["peak_rss"] < 1_500_000_000


@pytest.mark.parametrize(("choice", "enabled"), [("freeze", True), ("default", True), ("off", False)])
def test_an_explicit_choice_is_obeyed(place: Place, choice: str, enabled: bool):
    """What the job file says is done from the first item to the last, whatever the pauses cost."""
    place.job(LITTER.format(waiting="True", seconds=2), **FEW, runtime={"gc": choice})
    [node] = place.submit(*TWO)["nodes"]
    assert node["collecting"] is None
    assert place.results() == [[enabled, FIRST]] * 40
