"""The decision on the number of threads: a table of facts and answers, and what must hold for all of them."""

from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import JobError
from orchestrator.host.cgroups import CpuQuota
from orchestrator.host.cpus import CpuFacts, cpu_facts, decide_threads, pin_plan, read_affinity, round_quota

WHERE = "/sys/fs/cgroup/cpu/x"


def quota(cpus: float, period_us: int = 100_000) -> CpuQuota:
    """Make a v1 quota of so many CPUs."""
    return CpuQuota(cpus, WHERE, round(cpus * period_us), period_us, 1)


def node(cpus: int, limit: float | None = None, hyper_threads: int = 1) -> CpuFacts:
    """A node whose CPUs 0, 1, … are the first hyper-threads of all cores, then the second ones of all."""
    cores = cpus // hyper_threads
    core_of = {cpu: cpu % cores for cpu in range(cpus)}
    return CpuFacts(tuple(range(cpus)), None if limit is None else quota(limit), core_of)


AUTO = [
    (node(8), "cpu", "floor", 8, "8 CPUs in the affinity mask, no CPU quota"),
    (node(1), "cpu", "floor", 1, "1 CPU in the affinity mask, no CPU quota"),
    (
        node(8, 1.5),
        "cpu",
        "floor",
        1,
        f"quota 1.5 CPUs (cpu.cfs_quota_us 150000 / 100000 at {WHERE}) rounded down",
    ),
    (node(8, 1.5), "cpu", "ceil", 2, f"quota {quota(1.5)} rounded up"),
    (node(8, 1.5), "cpu", "nearest", 2, f"quota {quota(1.5)} rounded to the nearest"),
    (node(8, 2.5), "cpu", "nearest", 3, f"quota {quota(2.5)} rounded to the nearest"),
    (node(8, 2.49), "cpu", "nearest", 2, f"quota {quota(2.49)} rounded to the nearest"),
    (node(8, 2), "cpu", "ceil", 2, f"quota {quota(2)}"),
    (node(8, 0.5), "cpu", "floor", 1, f"quota {quota(0.5)}, at least 1 thread"),
    (node(2, 2), "cpu", "floor", 2, f"2 CPUs in the affinity mask; the quota is no lower: {quota(2)}"),
    (node(2, 64), "cpu", "ceil", 2, f"2 CPUs in the affinity mask; the quota is no lower: {quota(64)}"),
    (
        node(8, hyper_threads=2),
        "cpu",
        "floor",
        4,
        "8 CPUs in the affinity mask, 4 physical cores; profile cpu uses one thread a core",
    ),
    (
        node(8, 6, hyper_threads=2),
        "cpu",
        "floor",
        4,
        "8 CPUs in the affinity mask, 4 physical cores; profile cpu uses one thread a core",
    ),
    (node(8, 3, hyper_threads=2), "cpu", "floor", 3, f"quota {quota(3)}"),
    (
        node(8, hyper_threads=2),
        "mixed",
        "floor",
        8,
        "8 CPUs in the affinity mask, no CPU quota",
    ),
    (node(8, 3), "mixed", "floor", 3, f"quota {quota(3)}"),
    (node(8, 1), "mixed", "floor", 1, f"quota {quota(1)}"),
]


@pytest.mark.parametrize(("facts", "profile", "rounding", "threads", "reason"), AUTO)
def test_auto(facts, profile, rounding, threads, reason):
    """What the node allows is rounded by the job's rule, and the reason names what decided."""
    decision = decide_threads("auto", profile, rounding, {}, facts)
    assert (decision.threads, decision.reason) == (threads, reason)
    assert decision.climbs == (profile == "mixed")


@pytest.mark.parametrize(
    ("request_", "env", "threads", "reason"),
    [
        (3, {"FTORCH_THREADS": "5"}, 3, "asked for by --threads or resources.threads"),
        (3, {"FTORCH_THREADS": "abc"}, 3, "asked for by --threads or resources.threads"),
        ("auto", {"FTORCH_THREADS": " 5 "}, 5, "asked for by FTORCH_THREADS"),
        ("auto", {"FTORCH_THREADS": ""}, 8, "8 CPUs in the affinity mask, no CPU quota"),
        ("auto", {"FTORCH_THREADS": "auto"}, 8, "8 CPUs in the affinity mask, no CPU quota"),
    ],
)
def test_precedence(request_, env, threads, reason):
    """A number given by the user wins, then the environment's, then what the node allows."""
    decision = decide_threads(request_, "cpu", "floor", env, node(8))
    assert (decision.threads, decision.reason, decision.warnings) == (threads, reason, ())


@pytest.mark.parametrize("text", ["abc", "0", "-1", "1.5", "4097", "9" * 30, "\uff11"])
def test_a_bad_variable(text):
    """A FTORCH_THREADS that is no number of threads is an error that shows what was found and what to do."""
    with pytest.raises(JobError) as caught:
        decide_threads("auto", "cpu", "floor", {"FTORCH_THREADS": text}, node(8))
    assert (caught.value.where, caught.value.exit_code) == ("FTORCH_THREADS", 2)
    assert repr(text) in str(caught.value)
    assert "unset it" in str(caught.value)


@pytest.mark.parametrize(
    ("threads", "profile", "facts", "warns"),
    [
        (8, "cpu", node(8), None),
        (9, "cpu", node(8), "only 8 CPUs (affinity mask)"),
        (8, "cpu", node(8, hyper_threads=2), None),
        (32, "mixed", node(8), None),
        (33, "mixed", node(8), "only 8 CPUs (affinity mask)"),
        (2, "cpu", node(8, 1.5), f"only {quota(1.5)}"),
        (1, "cpu", node(8, 1.5), None),
        (2, "mixed", node(8, 1), None),
    ],
)
def test_oversubscription(threads, profile, facts, warns):
    """A number that exceeds what the process may use is taken, with a warning that names the limit."""
    decision = decide_threads(threads, profile, "floor", {}, facts)
    assert decision.threads == threads
    assert len(decision.warnings) == (warns is not None)
    assert all(warns in warning for warning in decision.warnings)


@pytest.mark.parametrize("request_", ["auto", 1])
def test_less_than_one_cpu(request_):
    """A quota below one CPU is warned about, whoever chose the single thread."""
    decision = decide_threads(request_, "cpu", "floor", {}, node(2, 0.5))
    assert decision.threads == 1
    assert [warning.split(":")[0] for warning in decision.warnings] == ["less than one CPU"]


QUOTAS = st.builds(
    lambda quota_us, period_us: CpuQuota(quota_us / period_us, WHERE, quota_us, period_us, 2),
    st.integers(1, 10**18 - 1),
    st.integers(1, 10**6),
)
FACTS = st.builds(
    CpuFacts,
    st.sets(st.integers(0, 511), min_size=1, max_size=64).map(sorted).map(tuple),
    st.none() | QUOTAS,
    st.dictionaries(st.integers(0, 511), st.integers(0, 511)),
)


@given(FACTS, st.sampled_from(["floor", "ceil", "nearest"]))
def test_bounds(facts, rounding):
    """Detected threads are at least 1, and no more than the affinity mask, the cores and the quota allow."""
    threads = decide_threads("auto", "cpu", rounding, {}, facts).threads
    assert 1 <= threads <= min(len(facts.affinity), facts.cores)
    assert facts.quota is None or threads <= max(1, ceil(Fraction(facts.quota.quota_us, facts.quota.period_us)))
    mixed = decide_threads("auto", "mixed", rounding, {}, facts).threads
    assert threads <= mixed <= len(facts.affinity)


@given(QUOTAS)
def test_rounding(limit):
    """Rounding is exact for any quota: no float comes near it."""
    exact = Fraction(limit.quota_us, limit.period_us)
    assert round_quota(limit, "floor") == max(1, floor(exact))
    assert round_quota(limit, "ceil") == max(1, ceil(exact))
    assert round_quota(limit, "nearest") == max(1, floor(exact + Fraction(1, 2)))


@pytest.mark.parametrize(
    ("facts", "threads", "plan"),
    [
        (node(8, hyper_threads=2), 4, (0, 1, 2, 3)),
        (node(8, hyper_threads=2), 6, (0, 1, 2, 3, 4, 5)),
        (CpuFacts((0, 1, 2, 3), None, {0: 0, 1: 0, 2: 2, 3: 2}), 3, (0, 2, 1)),
        (CpuFacts((3, 1), None, {}), 5, (1, 3, 1, 3, 1)),
        (CpuFacts(()), 2, ()),
        (node(4), 0, ()),
    ],
)
def test_pin_plan(facts, threads, plan):
    """Threads are put on every physical core before any core gets a second one."""
    assert pin_plan(facts, threads) == plan


@given(FACTS, st.integers(0, 200))
def test_pin_plan_spreads(facts, threads):
    """Every thread gets a CPU of the mask, and no CPU gets two more than another."""
    plan = pin_plan(facts, threads)
    counts = [plan.count(cpu) for cpu in facts.affinity]
    assert len(plan) == threads == sum(counts)
    assert max(counts) - min(counts) <= 1
    first = plan[: facts.cores]
    assert len({facts.core_of.get(cpu, cpu) for cpu in first}) == len(first)


def test_cores_are_read(tmp_path):
    """Hyper-threads of one core are known by their sibling lists; a CPU without a list is a core."""
    for cpu, siblings in {0: "0,4", 4: "0,4", 1: "1-2", 2: "1-2"}.items():
        topology = tmp_path / f"sys/devices/system/cpu/cpu{cpu}/topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(siblings + "\n")
    facts = cpu_facts(tmp_path, affinity={0, 1, 2, 4, 9})
    assert facts == CpuFacts((0, 1, 2, 4, 9), None, {0: 0, 1: 1, 2: 1, 4: 0, 9: 9})
    assert facts.cores == 3


def test_a_machine_without_proc(tmp_path):
    """Without /proc and /sys there is no quota, and as many threads as there are CPUs."""
    facts = cpu_facts(tmp_path)
    assert facts.quota is None
    assert facts.affinity == tuple(sorted(read_affinity()))
    assert decide_threads("auto", "cpu", "floor", {}, facts).threads == len(facts.affinity)


def test_a_row_of_testdata_end_to_end():
    """From the files of a limited container to the number and its reason."""
    row = Path(__file__).parent.parent / "testdata/cgroups/v1-nested"
    decision = decide_threads("auto", "cpu", "floor", {}, cpu_facts(row, affinity=range(4)))
    assert decision.threads == 1
    assert decision.reason == "quota 1 CPU (cpu.cfs_quota_us 50000 / 50000 at /sys/fs/cgroup/cpu/batch)"
