"""What the shards of a run add up to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from orchestrator.report.cluster import cluster_report, with_pods
from orchestrator.report.clustertext import cluster_text
from orchestrator.report.podtimes import PodTime
from orchestrator.report.shardrows import ShardRow, row_of
from orchestrator.report.summary import PodSummary
from tests.report.samples import NODE

SUMMARY = PodSummary("hash-1", 0, 0, "", items=2500, failed=2, bytes=50, restarts=3, node="n1", pod="p1")


def row(shard: int, seconds: float = 10.0, **fields: object) -> ShardRow:
    """A shard's row."""
    found = row_of(shard, structs.replace(NODE, wall_seconds=seconds), None)
    assert found is not None
    return structs.replace(found, **fields)


def test_a_row_is_of_the_report_and_the_summary() -> None:
    """Seconds are the worker's, items those of all sittings; where only a summary is left, it says what it knows."""
    found = row_of(4, NODE, SUMMARY, evictions=1)
    assert found is not None
    assert (found.shard, found.node, found.pod, found.state) == (4, "n1", "p1", "done")
    assert (found.items, found.failed, found.restarts, found.evictions) == (2500, 2, 3, 1)
    assert (found.wall_seconds, found.cpu_seconds, found.threads, found.held) == (2.0, 3.75, 2, 2.0)
    killed = row_of(4, None, structs.replace(SUMMARY, exit_code=137, message="died"))
    assert killed is not None
    assert (killed.state, killed.reason, killed.wall_seconds) == ("exit 137", "died", 0.0)
    assert row_of(4, None, None) is None


def test_rows_add_up() -> None:
    """Items, CPU-hours and cost are sums; the cost is of the CPUs held."""
    found = cluster_report("hash-1", 3, [row(1, 1800.0), row(0, 3600.0)], price=0.5)
    assert [each.shard for each in found.rows] == [0, 1]
    assert (found.items, found.nbytes, found.shards) == (2000, 10_000_000, 3)
    assert found.cpu_hours == pytest.approx(2 * 3.75 / 3600)
    assert (found.held_cpu_hours, found.cost) == (pytest.approx(3.0), pytest.approx(1.5))
    assert found.balance == pytest.approx(0.75)
    assert cluster_report("hash-1", 3, []).cost is None


@given(st.lists(st.floats(0.0, 1e6), max_size=20))
def test_balance_and_stragglers(seconds: list[float]) -> None:
    """The balance is 1 where all took as long, and never above; a straggler took over 1.5 times the median."""
    found = cluster_report("r", len(seconds), [row(number, each) for number, each in enumerate(seconds)])
    if found.balance is None:
        assert len(seconds) < 2 or max(seconds) < 1.0
        assert found.stragglers == []
        return
    assert 0 < found.balance <= 1.0000001
    assert found.stragglers == sorted(
        (number for number, each in enumerate(seconds) if each > 1.5 * found.median_seconds),
        key=lambda number: -seconds[number],
    )


def test_causes_are_weighed_by_time() -> None:
    """A cause that cost a quarter of one of two equal shards cost an eighth of all."""
    found = cluster_report("r", 2, [row(0, cause="gc", lost=0.25), row(1)])
    assert found.causes == {"gc": pytest.approx(0.125)}


def test_the_text_says_it() -> None:
    """A line for each shard, then the balance, who lags, CPU-hours and cost; columns nobody fills are left out."""
    rows = [row(number, 10.0 + 30 * (number == 2), cause="lock", lost=0.2) for number in range(4)]
    text = cluster_text(cluster_report("hash-1", 4, rows, price=0.04))
    assert text.startswith("hash-1: 4 shards of 4 reported\n")
    for told in ("balance", "stragglers  1 shard over 1.5 times the median: 2", "CPU-hours", "at 0.04 each"):
        assert told in text
    assert "20 % waiting for a lock" in text
    assert "RESTARTS" not in text
    assert "SPEEDUP" not in text


def test_of_many_shards_the_slowest_are_shown() -> None:
    """A thousand rows are not printed; the sixteen that took longest are."""
    text = cluster_text(cluster_report("r", 1000, [row(number, float(number + 1)) for number in range(1000)]))
    assert len(text.splitlines()) < 40
    assert "\n  999 " in text
    assert "\n  0 " not in text


def test_shards_by_node() -> None:
    """Where nodes did several shards each, they have rows of their own: sums, medians, and who was taken from them."""
    rows = [
        row(0, 10.0, node="a", speedup=2.0, efficiency=1.0, cause="lock", lost=0.2, restarts=1),
        row(1, 30.0, node="a", speedup=1.0, efficiency=0.5, peak_rss=7),
        row(2, 20.0, node="b", quota=1.5),
        row(3, 20.0, node=""),
    ]
    report = with_pods(cluster_report("r", 4, rows), [], {"a": 2, "c": 1})
    first, second, third = report.nodes
    assert (first.node, first.shards, first.wall_seconds, first.restarts) == ("a", 2, 40.0, 1)
    assert (first.speedup, first.efficiency, first.cause) == (1.5, 0.75, "lock")
    assert first.lost == pytest.approx(0.05)
    assert (first.evictions, second.evictions, second.quota) == (2, 0, 1.5)
    assert (third.node, third.shards, third.evictions) == ("c", 0, 1)
    assert report.evictions == 3
    text = cluster_text(report)
    heads = "NODE SHARDS ITEMS TIME CPU MEMORY THREADS SPEEDUP EFF LOST RESTARTS EVICTED"
    assert text.splitlines()[1].split() == heads.split()
    assert "3 pods taken away by the cluster" in text


def test_one_shard_a_node_needs_no_second_table() -> None:
    """The shards' rows say it all."""
    assert "NODE " not in cluster_text(cluster_report("r", 2, [row(0, node="a"), row(1, node="b")]))


def test_pods_are_told_and_paid_for() -> None:
    """Start-up, what pods held while they started and idled, and a cost of all of it."""
    pods = [PodTime(f"p{number}", 0, 1, 5, 3605, 2.0, 3500.0) for number in range(2)]
    report = with_pods(cluster_report("r", 2, [row(0, 3500.0), row(1, 3500.0)], price=0.5), pods, {})
    assert report.pods is not None
    assert report.cost == pytest.approx(2 * 2 * 3604 / 3600 * 0.5)
    text = cluster_text(report)
    assert "start-up    5 s the median from a pod's creation to running, 1 s of it until there was a node" in text
    assert "CPU-hours by 2 pods: 3.89 CPU-hours at work" in text
    assert "the CPU-hours that pods held, at 0.5 each" in text
