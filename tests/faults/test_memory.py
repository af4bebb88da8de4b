"""The container's memory limit: nearing it, and an item that alone goes over it."""

import json
import os

import pytest

from tests.cgroup_fixture import limited_cgroup
from tests.command import finish
from tests.faults.counting import Count
from tests.faults.sittings import Trouble

MIB = 1 << 20
HOLD = """
import mmap
kept = []
def f(n):
    # Memory that stays: half of the limit at first (processes alone use up to a quarter), then a leak that fills it.
    size = 4 << 20 if n < 50 else 1 << 20 if n % 60 == 0 else 0
    if size:
        block = mmap.mmap(-1, size)
        block.write(b"x" * size)
        kept.append(block)
    for i in range(40000): pass
    return n
"""
GREEDY = """
import mmap
def f(n):
    if n == 300:
        block = mmap.mmap(-1, 1 << 30)
        block.write(b"x" * (1 << 30))
    return n
"""
FLEETING = """
import mmap, select
def f(n, mib):
    with mmap.mmap(-1, mib << 20) as block:
        block.write(b"x" * (mib << 20))
        select.select([], [], [], 0.02)
    return n
"""


def test_near_the_limit_fewer_threads_go_on_then_a_new_worker(trouble: Trouble, count: Count):
    """A task that keeps memory: fewer threads, then a clean restart between chunks, both told; no item is lost."""
    trouble.job(HOLD, input={"range": {"stop": 9000}})
    with limited_cgroup(None, memory=400 * MIB) as limits:
        prefix = limits.command(["env"])
        with trouble.start("--threads", "2", "--json", prefix=prefix) as process:
            done = finish(process).expect(0)
    report = json.loads(done.out)
    assert any("memory:" in note and "a new worker takes over" in note for note in report["restarts"]), report
    count.check(trouble.results(), range(9000), len(report["restarts"]))


def test_an_item_that_the_kernel_kills_for_memory_is_quarantined(trouble: Trouble, count: Count):
    """An item that alone goes over the container's limit is killed each time; it is set aside, all else is done."""
    trouble.job(GREEDY, input={"range": {"stop": 1000}}, failures={"max_failed": 1})
    with limited_cgroup(None, memory=400 * MIB) as limits, trouble.start(prefix=limits.command(["env"])) as process:
        finish(process).expect(0)
    count.check(trouble.results(), [n for n in range(1000) if n != 300])
    (failure,) = trouble.records(os.path.relpath(trouble.run / "failures.jsonl", trouble.path))
    assert (failure["key"], failure["type"]) == (300, "Crash")
    assert "SIGKILL" in failure["error"]
    assert failure["attempts"] == 3


@pytest.mark.parametrize("limit", ["cgroup", "resources.memory"])
def test_items_that_are_too_much_only_together_are_all_done(limit: str, trouble: Trouble, count: Count):
    """Items of which each fits, and four at once do not, are all done in the end; none is set aside."""
    memory = {"resources": {"memory": "300Mi"}} if limit == "resources.memory" else {}
    trouble.job(FLEETING, input={"range": {"stop": 40}}, **{"with": {"mib": 120}}, **memory)
    bytes_ = 2048 * MIB if memory else 400 * MIB
    with (
        limited_cgroup(None, memory=bytes_) as limits,
        trouble.start("--threads", "4", prefix=limits.command(["env"])) as process,
    ):
        finish(process).expect(0)
    count.check(trouble.results(), range(40))
