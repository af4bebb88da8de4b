"""What a terminal shows of a run while it is followed."""

import io

from rich.console import Console

from orchestrator.cluster.progress import LiveTable, shard_note, shown_shards, tally_line
from tests.cluster.made_objects import job, pod
from tests.cluster.test_states import DISRUPTED, watched


def made():
    """A run with a shard in each of several states."""
    return watched(
        job(6, completedIndexes="0", failedIndexes="1", active=2),
        pod(1, "b", code=1, phase="Failed"),
        pod(2, "c", code=1, phase="Failed"),
        pod(3, "d"),
        pod(4, "e", code=137, phase="Failed", conditions=[DISRUPTED]),
    )


def test_the_line_counts_the_states():
    """One line says how many shards are in which state."""
    line = tally_line("run", made().tally(), "running")
    assert "1/6 shards done" in line
    assert "1 failed  1 evicted  1 retrying  1 running  1 waiting" in line


def test_what_is_worst_is_shown_first():
    """Where there is no room for all, those that failed are shown, and the others counted."""
    shards, more = shown_shards(made(), 2)
    assert ([shard.state for shard in shards], more) == (["failed", "evicted"], 2)


def test_a_retry_says_when():
    """A shard that is retried says how it failed and how long until its next pod."""
    shard = made().shard(2)
    assert shard_note(shard, shard.retry_at - 8) == "exit code 1, again in 8 s"


def test_the_table_on_a_terminal():
    """The table names each shard that there is something to say of, its state, node and pod."""
    out = io.StringIO()
    table = LiveTable("run", Console(file=out, force_terminal=True, width=110, height=20))
    table.tick(made(), 0.0)
    table.note("the watch was cut")
    table.ended()
    shown = out.getvalue()
    for part in ("SHARD", "retrying", "run-3-d", "EvictionByEvictionAPI", "the watch was cut"):
        assert part in shown
