"""The ramp in real runs: every item is done once, and the report has a curve or says why it has none."""

import os
import subprocess
from contextlib import suppress
from typing import Any

import pytest

from tests.cgroup_fixture import limited_cgroup
from tests.command import Place, finish

# An item takes so much CPU time on any machine, so that the run is long enough on a fast one.
WORK = """
from time import thread_time

def f(n, seconds):
    until = thread_time() + seconds
    while thread_time() < until:
        pass
    return n
"""
CPUS = len(os.sched_getaffinity(0))


def job(place: Place, items: int, seconds: float, threads: int = 2) -> None:
    """A job of so many items, of so many CPU seconds each."""
    output = {"path": "out.jsonl", "overwrite": True}
    fields = {"input": {"range": {"stop": items}}, "output": output, "resources": {"threads": threads}}
    place.job(WORK, **fields, **{"with": {"seconds": seconds}})


def submitted(place: Place, items: int, seconds: float, **options: Any) -> dict[str, Any]:
    """Submit such a job, and give its node's report."""
    job(place, items, seconds)
    report = place.submit(**options)
    assert report["state"] == "done"
    assert place.results() == list(range(items))
    node: dict[str, Any] = report["nodes"][0]
    return node


def check_curve(node: dict[str, Any]) -> None:
    """The node has a curve of one and two threads, or was too busy to have one within 5 % of the run."""
    scaling = node["scaling"]
    if scaling is None:
        # On a machine that others use, threads may be kept from their chunks' ends for longer than the ramp may cost.
        assert node["no_scaling"].startswith("cut short: ")
        return
    assert [point["threads"] for point in scaling["points"]] == [1, 2]
    assert scaling["lost_seconds"] > 0
    windows = scaling["windows"]
    assert {window["threads"] for window in windows} == {1, 2}
    assert sum(window["items"] for window in windows) < node["items"]
    for window in windows:
        assert 0 < window["cpu_seconds"] <= window["threads"] * window["seconds"] * 1.2


def test_a_run_measures_its_scaling(place: Place):
    """A run of some seconds is measured while it runs: its results are whole, and its report shows the curve."""
    node = submitted(place, 14_000, 0.001)
    check_curve(node)
    text = place.ftorch("report").expect(0).out
    assert "\n  scaling     " in text
    if node["scaling"]:
        assert "threads  items/s" in text


def test_runs_without_a_ramp(place: Place):
    """A short run, one with a single thread and one that does not want it have no curve, and say why."""
    assert submitted(place, 100, 0.0)["no_scaling"].startswith("too short to measure: ")
    one = place.submit("--threads", "1")["nodes"][0]
    assert (one["scaling"], one["no_scaling"]) == (None, "one thread: there is nothing to compare it with")
    off = place.submit("--set", "measure.scaling=off")["nodes"][0]
    assert (off["scaling"], off["no_scaling"]) == (None, "measure.scaling is off")


@pytest.mark.slow
def test_a_run_on_processes_measures_its_scaling(place: Place):
    """With the GIL on the ramp parks the threads that drive the processes, and reads the processes' own clocks."""
    node = submitted(place, 14_000, 0.001, env={"PYTHON_GIL": "1"})
    assert node["backend"]["backend"] == "processes"
    check_curve(node)


@pytest.mark.slow
@pytest.mark.skipif(CPUS < 2, reason="one CPU cannot show what a quota of less does to two threads")
def test_a_throttled_sweep_says_so(place: Place):
    """Two threads on half a CPU are throttled, and the curve is marked as the quota's."""
    job(place, 20_000, 0.001)
    options = ("--threads", "2", "--seconds", "0.5", "--repeats", "2", "--json", "-q")
    with limited_cgroup(0.5) as limits:
        done = finish(place.popen("scale", "job.yaml", *options, prefix=limits.command([]))).expect(0)
    scaling = done.json()["scaling"]
    assert scaling["cpus"] == 0.5
    assert any("the CPU quota throttled" in note for note in scaling["notes"])
    assert sum(window["throttled_seconds"] for window in scaling["windows"]) > 0


@pytest.mark.slow
@pytest.mark.skipif(CPUS < 2, reason="one CPU cannot show what a quota of more does")
def test_a_quota_that_changes_during_the_ramp(place: Place):
    """A quota that grows all the time while the job runs leaves no curve; the run itself is not disturbed."""
    items = 14_000
    job(place, items, 0.001)
    with limited_cgroup(2.5) as limits:
        process = place.popen("submit", "job.yaml", "--json", prefix=limits.command([]))
        cpus = 2.5
        while process.poll() is None:
            cpus += 1e-5
            limits.set_cpus(cpus)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.02)
        node = finish(process).expect(0).json()["nodes"][0]
    assert place.results() == list(range(items))
    assert node["scaling"] is None
    assert node["no_scaling"].startswith(("void: the CPU quota changed", "cut short: "))
