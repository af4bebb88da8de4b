"""ftorch inside real cgroups: the number of threads, and the reason it gives."""

import os

import pytest

from tests.cgroup_fixture import LimitedCgroup, limited_cgroup
from tests.command import Place, finish

CPUS = len(os.sched_getaffinity(0))


def report_in(limits: LimitedCgroup, place: Place, *options: str) -> dict[str, object]:
    """Submit the job inside a cgroup; gives what its node decided."""
    prefix = limits.command([])
    done = finish(place.popen("submit", "job.yaml", "--json", *options, prefix=prefix)).expect(0)
    return done.json()["nodes"][0]["threads"]


@pytest.mark.skipif(CPUS < 2, reason="one CPU cannot show what a quota of more does")
def test_quotas(place: Place):
    """The quota is rounded down to whole threads, at least one; the rule `ceil` rounds up; the reason names it."""
    place.job(output={"path": "out.jsonl", "overwrite": True})
    with limited_cgroup(0.5) as limits:
        for cpus, floor in ((0.5, 1), (1.0, 1), (1.5, 1), (2.0, 2)):
            limits.set_cpus(cpus)
            decision = report_in(limits, place)
            assert decision["threads"] == floor
            assert f"{cpus:g} CPU" in str(decision["reason"])
        limits.set_cpus(1.5)
        assert report_in(limits, place, "--set", "resources.rounding=ceil")["threads"] == 2
        assert report_in(limits, place, "--threads", "3")["threads"] == 3
        text = finish(place.popen("submit", "job.yaml", prefix=limits.command([]))).expect(0).out
        assert "  threads     1: " in text
        doctor = finish(place.popen("doctor", prefix=limits.command([]))).expect(0).out
        assert "1.5 CPUs" in doctor


def test_the_quota_of_a_parent_counts(place: Place):
    """A cgroup without a quota below one with 0.5 CPUs has that quota."""
    place.job()
    with limited_cgroup(0.5) as parent, limited_cgroup(None, parent=parent) as child:
        decision = report_in(child, place)
    assert decision["threads"] == 1
    assert "0.5 CPU" in str(decision["reason"])


@pytest.mark.slow
@pytest.mark.skipif(CPUS < 2, reason="one CPU cannot show what a quota of more does")
def test_a_quota_that_changes_is_followed(place: Place):
    """A quota that is cut while the job runs takes threads away between chunks, and one that grows gives them back."""
    source = "def f(n):\n    return sum(range(200_000)) * 0 + n\n"
    place.job(source, input={"range": {"stop": 2500}})
    with limited_cgroup(2.0) as limits:
        process = place.popen("submit", "job.yaml", "--json", prefix=limits.command([]))
        wait_for_threads(place, 2)
        limits.set_cpus(1.0)
        wait_for_threads(place, 1)
        limits.set_cpus(2.0)
        wait_for_threads(place, 2)
        limits.set_cpus(None)
        report = finish(process).expect(0).json()
    assert report["state"] == "done"
    assert place.results() == list(range(2500))


def wait_for_threads(place: Place, threads: int) -> None:
    """Ask the status until so many threads may work."""
    for _ in range(200):
        done = place.ftorch("status", "--json")
        live = done.json().get("live") if done.code == 0 else None
        if live is not None and live["threads"] == threads:
            return
        # Planned, but not yet taken up by the worker, it is "interrupted", and nobody's.
        begins = done.code or done.json()["state"] in ("planning", "running") or done.json()["owner"] is None
        assert live is not None or begins, done.out
    raise AssertionError(f"never at {threads} threads")
