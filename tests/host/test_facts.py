"""What the report says about the node."""

import os

import msgspec
import pytest

from orchestrator.host.facts import HostFacts, describe_host
from tests.host.test_cgroup_rows import ROWS


def test_this_node():
    """This node is described, as JSON that can be read back."""
    facts = describe_host()
    assert msgspec.json.decode(msgspec.json.encode(facts), type=HostFacts) == facts
    assert (facts.hostname, facts.kernel, facts.cpus) == (
        os.uname().nodename,
        os.uname().release,
        os.cpu_count(),
    )
    assert 1 <= facts.physical_cores <= facts.affinity <= (facts.cpus or 0)


def test_a_node_that_says_nothing(tmp_path):
    """Without /proc and /sys (macOS) the description is whole, with None for what cannot be known."""
    facts = describe_host(tmp_path)
    assert (facts.boot_id, facts.cgroups, facts.quota, facts.memory_limit, facts.cpuset) == (None,) * 5
    assert facts.throttling == ()
    assert facts.affinity >= 1
    assert facts.kernel


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row(row):
    """Every tree of testdata can be described and written as JSON."""
    assert msgspec.json.encode(describe_host(row))


def test_the_model_of_the_cpu(tmp_path):
    """The CPU's model is the first that /proc/cpuinfo names."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("processor\t: 0\nmodel name\t: Fast One\n\nmodel name\t: Other\n")
    assert describe_host(tmp_path).cpu_model == "Fast One"
