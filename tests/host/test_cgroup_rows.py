"""Trees of real-looking cgroup files in testdata/cgroups: each says what must be found in it."""

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from orchestrator.host.cgroups import cgroup_versions, find_cpu_limits, read_cpuset
from orchestrator.host.memory import find_memory_limits

ROWS = sorted((Path(__file__).parent.parent / "testdata/cgroups").iterdir())


def expected(row: Path) -> dict:
    """Give what the row says must be found."""
    return json.loads((row / "expected.json").read_text())


@pytest.fixture(params=ROWS, ids=lambda row: row.name)
def row(request) -> Path:
    """Give each row of testdata in turn."""
    return request.param


def test_quota(row):
    """The tightest quota of the visible levels is found, with its place and its numbers."""
    quota = find_cpu_limits(row).read()
    found = quota and {name: getattr(quota, name) for name in quota.__struct_fields__}
    assert found == expected(row)["quota"]


def test_levels(row):
    """The visible levels are listed from the process's own cgroup to the root of the mount."""
    assert [level.where for level in find_cpu_limits(row).levels] == expected(row)["levels"]


def test_throttling(row):
    """The throttle counters of each level are read in seconds, whatever the kernel counts in."""
    counters = find_cpu_limits(row).throttling()
    assert [[c.where, c.periods, c.throttled, c.seconds] for c in counters] == (expected(row)["throttled"] or [])


def test_memory(row):
    """The lowest memory limit is found, and the usage of the cgroup that has it."""
    limits = find_memory_limits(row)
    limit, usage = limits.limit(), limits.usage()
    assert (limit and [limit.limit_bytes, limit.where, limit.file]) == expected(row)["memory"]
    assert (usage and [usage.usage_bytes, usage.working_set_bytes, usage.where]) == expected(row)["usage"]


def test_versions(row):
    """The cgroup version is named by what is mounted."""
    assert cgroup_versions(row) == expected(row)["versions"]


def test_there_are_rows():
    """The rows are there: an empty folder would pass every test above."""
    assert len(ROWS) >= 22


@pytest.mark.parametrize(("name", "cpus"), [("v1-docker", "0-3"), ("v2-container", "0-1"), ("no-mount", None)])
def test_cpuset(name, cpus):
    """The CPUs of the cpuset are read from the effective list, v1's or v2's."""
    assert read_cpuset(ROWS[0].parent / name) == cpus


def test_a_limit_is_read_again(tmp_path):
    """A quota that was changed, added or lifted after the limits were found is seen by the next reading."""
    tree = shutil.copytree(ROWS[0].parent / "v2-container", tmp_path / "tree")
    limits = find_cpu_limits(tree)
    seen = []
    for text in ("150000 100000", "300000 100000", "max 100000", "50000 100000"):
        (tree / "sys/fs/cgroup/cpu.max").write_text(text)
        seen.append((quota := limits.read()) and quota.cpus)
    shutil.rmtree(tree)
    assert seen == [1.5, 3.0, None, 0.5]
    assert limits.read() is None


def test_odd_names(tmp_path):
    """Blanks, tabs and backslashes in a mount point, a colon and a byte of no UTF-8 in a cgroup, are read."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_bytes(b"3:cpu:/jobs/a:b\xff\n")
    mount = rb"34 31 0:34 /jobs /my\040own\011c\134groups rw,relatime shared:9 master:2"
    (tmp_path / "proc/self/mountinfo").write_bytes(mount + b" - cgroup cgroup rw,cpu\n")
    folder = tmp_path / "my own\tc\\groups" / "a:b\udcff"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text("75000\n")
    (folder / "cpu.cfs_period_us").write_text("50000\n")
    quota = find_cpu_limits(tmp_path).read()
    assert quota is not None
    assert (quota.cpus, quota.where) == (1.5, "/my own\tc\\groups/a:b\\udcff")
    assert msgspec.json.encode(quota)
