"""What a pod leaves behind: small whatever it holds, and read again as it was."""

import json
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from orchestrator.host.cgroups import CpuQuota
from orchestrator.measure.scaling import scaling_of
from orchestrator.measure.windows import Window
from orchestrator.report.summary import (
    MOST_BYTES,
    PodSummary,
    encode_summary,
    find_summary,
    leave,
    read_summary,
    scaled,
    whereabouts,
    with_node,
)
from orchestrator.store.memory import MemoryStore
from tests.report.samples import HOST, NODE

PLAIN = PodSummary("hash-1", 3, 75, "stopped by SIGTERM", items=7, failed=1, bytes=99)
TEXT = st.text(st.characters(codec=None), max_size=6000) | st.sampled_from(["\0" * 5000, "\ud800" * 5000, "😀" * 4000])
WHOLE = st.integers(-(2**63), 2**63 - 1)


SUMMARIES = st.builds(
    PodSummary,
    *[TEXT, WHOLE, WHOLE, TEXT, WHOLE, WHOLE, WHOLE],
    wall_s=st.floats(),
    cpu_s=st.floats(),
    speedup=st.none() | st.floats(),
    **dict.fromkeys(("thread_reason", "cause", "node", "pod"), TEXT),
    **dict.fromkeys(("threads", "restarts", "quarantined", "peak_rss"), WHOLE),
)


@given(SUMMARIES)
def test_a_summary_is_small_whatever_it_holds(summary: PodSummary) -> None:
    """It is JSON of 4,096 bytes at most, and its numbers are whole."""
    data = encode_summary(summary)
    assert len(data) <= MOST_BYTES
    found = json.loads(data)
    assert (found["shard"], found["exit_code"], found["items"]) == (summary.shard, summary.exit_code, summary.items)


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_a_short_text_is_kept(text: str) -> None:
    """What fits is not cut; what does not begins as it did."""
    found = read_summary(encode_summary(structs.replace(PLAIN, message=text)))
    assert found is not None
    assert found.message == text
    long = read_summary(encode_summary(structs.replace(PLAIN, message=text + "x" * 5000)))
    assert long is not None
    assert long.message.endswith("x…")
    assert (text + "x" * 5000).startswith(long.message[:-1])


def test_a_summary_is_read_again() -> None:
    """What was written is read; what another program left is nothing."""
    assert read_summary(encode_summary(PLAIN)) == PLAIN
    assert read_summary(b"killed") is None
    assert read_summary(b"{}") is None


def test_a_summary_is_left_where_it_is_looked_for(tmp_path: Path) -> None:
    """In the named file, and in the run; a place that cannot be written does no harm."""
    store, path = MemoryStore(), tmp_path / "log"
    leave(PLAIN, {"FTORCH_TERMINATION_LOG": str(path)}, store)
    assert msgspec.json.decode(path.read_bytes(), type=PodSummary) == PLAIN
    assert find_summary(store, 3) == PLAIN
    assert find_summary(store, 4) is None
    leave(PLAIN, {"FTORCH_TERMINATION_LOG": str(tmp_path / "none" / "log")}, None)


def test_a_summary_says_where_it_ran() -> None:
    """The node and the pod as the manifest names them, else the host."""
    assert whereabouts({"FTORCH_NODE": "n1", "FTORCH_POD": "p1"}) == ("n1", "p1")
    assert whereabouts({})[0] == ""
    assert whereabouts({})[1]


def test_a_summary_has_the_workers_figures() -> None:
    """Seconds, threads and quota are the worker's; without a report there are none."""
    assert with_node(PLAIN, None) == PLAIN
    quota = CpuQuota(1.5, "/sys/fs/cgroup", 150_000, 100_000, 2)
    found = with_node(PLAIN, structs.replace(NODE, host=structs.replace(HOST, quota=quota)))
    assert (found.wall_s, found.cpu_s, found.threads, found.quota_cpus) == (2.0, 3.75, 2, 1.5)
    assert (found.speedup, found.efficiency, found.cause, found.lost) == (None, None, "", None)


def test_a_speedup_is_of_more_than_one_thread() -> None:
    """It is the one of the most threads that have a CPU each; one thread beside none is no measurement."""
    windows = [
        Window(threads, repeat, 1.0, 10, 100 * threads, 0, 1.0 * threads, 100.0 * threads, 0.0)
        for threads in (1, 2)
        for repeat in range(3)
    ]
    assert scaled(structs.replace(NODE, scaling=scaling_of(windows, 2.0))) == (2.0, 1.0)
    assert scaled(structs.replace(NODE, scaling=scaling_of(windows[:3], 2.0))) == (None, None)
    assert scaled(NODE) == (None, None)
