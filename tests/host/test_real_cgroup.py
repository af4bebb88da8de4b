"""The real thing: this kernel's cgroups limit a process, and the process finds out by itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cgroup_fixture import LimitedCgroup, limited_cgroup

DECIDE = """if True:
    import json
    from orchestrator.host.cpus import cpu_facts, decide_threads
    from orchestrator.host.memory import find_memory_limits
    facts = cpu_facts(affinity=range(8))
    limit = find_memory_limits().limit()
    rules = ("floor", "ceil", "nearest")
    found = {rule: decide_threads("auto", "cpu", rule, {}, facts).threads for rule in rules}
    print(json.dumps({
        **found,
        "cpus": facts.quota and facts.quota.cpus,
        "where": facts.quota and facts.quota.where,
        "memory": limit and limit.limit_bytes,
    }))
"""

WATCH = """if True:
    import sys
    from orchestrator.host.cgroups import find_cpu_limits
    limits = find_cpu_limits()
    for line in sys.stdin:
        quota = limits.read()
        print(quota and quota.cpus, flush=True)
"""

BURN = """if True:
    import json, time
    from orchestrator.host.cgroups import find_cpu_limits, throttled_between
    limits = find_cpu_limits()
    before = limits.throttling()
    until = time.process_time() + 0.3
    while time.process_time() < until: sum(range(1000))
    added = throttled_between(before, limits.throttling())
    print(json.dumps([added.where, added.periods, added.throttled, added.seconds]))
"""


def command(limits: LimitedCgroup, script: str) -> list[str]:
    """Give the command line of a Python script inside the limits."""
    return limits.command([sys.executable, "-c", script])


ENV = {name: value for name, value in os.environ.items() if name != "FTORCH_THREADS"}
ENV |= {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])}


def inside(limits: LimitedCgroup, script: str = DECIDE):
    """Run a script inside the limits and give what it printed as JSON."""
    argv = command(limits, script)
    done = subprocess.run(argv, check=False, env=ENV, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("cpus", "floor", "ceil", "nearest"), [(0.5, 1, 1, 1), (1, 1, 1, 1), (1.5, 1, 2, 2), (2, 2, 2, 2)]
)
def test_a_limited_process(cpus, floor, ceil, nearest):
    """A process in a cgroup with a quota finds the quota, and rounds it by the job's rule."""
    with limited_cgroup(cpus) as limits:
        found = inside(limits)
        assert (found["cpus"], found["where"]) == (cpus, str(limits.cpu))
        assert (found["floor"], found["ceil"], found["nearest"]) == (floor, ceil, nearest)


def test_a_child_under_a_limited_parent():
    """A cgroup without a quota, in one that has one, is as limited as its parent."""
    with limited_cgroup(1.5) as parent, limited_cgroup(None, parent=parent) as child:
        found = inside(child)
        assert (found["cpus"], found["where"], found["floor"]) == (1.5, str(parent.cpu), 1)


def test_a_child_with_less_than_its_parent():
    """The tighter quota binds, here the child's."""
    with limited_cgroup(2) as parent, limited_cgroup(0.5, parent=parent) as child:
        found = inside(child)
        assert (found["cpus"], found["where"]) == (0.5, str(child.cpu))


def test_a_container(tmp_path):
    """In a cgroup namespace with its own mount, as containers have it, the quota of its root is found."""
    with limited_cgroup(1.5) as limits:
        script = 'mount -t cgroup -o cpu none "$1" || exit 77; shift; exec "$@"'
        inner = ["unshare", "--cgroup", "--mount", "sh", "-c", script, "sh", tmp_path]
        argv = limits.command([*inner, sys.executable, "-c", DECIDE])
        done = subprocess.run(argv, check=False, env=ENV, capture_output=True, text=True, timeout=60)
        if done.returncode in (77, 127):
            pytest.skip(f"no namespace to be had: {done.stderr.strip()}")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert (found["cpus"], found["where"], found["floor"]) == (1.5, str(tmp_path), 1)


def test_a_resize_is_followed():
    """A running process sees a quota that was lowered, lifted and set again."""
    with limited_cgroup(2) as limits:
        with subprocess.Popen(
            command(limits, WATCH), env=ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin
            assert process.stdout
            seen = []
            for cpus in (2, 0.5, None, 1.5):
                limits.set_cpus(cpus)
                process.stdin.write("\n")
                process.stdin.flush()
                seen.append(process.stdout.readline().strip())
            process.stdin.close()
        assert seen == ["2.0", "0.5", "None", "1.5"]


def test_throttling_is_counted():
    """A process that wants a whole CPU and gets a fifth of one sees its throttle counters grow."""
    with limited_cgroup(0.2) as limits:
        where, periods, throttled, seconds = inside(limits, BURN)
        assert where == str(limits.cpu)
        assert 0 < throttled <= periods
        assert seconds > 0


def test_a_memory_limit():
    """A process in a cgroup with a memory limit finds it."""
    with limited_cgroup(None, memory=256 << 20) as limits:
        found = inside(limits)
        assert (found["memory"], found["cpus"]) == (256 << 20, None)


def test_the_fixture_cleans_up():
    """A process that still runs at the end is killed, and the cgroup's folder is gone."""
    with limited_cgroup(1) as limits:
        process = subprocess.Popen(
            limits.command(["/bin/sh", "-c", "echo in; exec cat"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout
        assert process.stdin
        assert process.stdout.readline() == b"in\n"
        folder = limits.cpu
    with process:
        process.stdin.close()
        assert process.wait(10) == -9
    assert not folder.exists()
