"""The state of a Job and its shards, from objects and from streams recorded from a real 1.36 cluster."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.cluster.objects import BatchJob, Pod, decode
from orchestrator.cluster.ranges import Ranges, parse_ranges
from orchestrator.cluster.watching import JobWatch

RECORDED = Path(__file__).parents[1] / "testdata" / "kubernetes" / "watches-1.36.jsonl"
JOB_NAME = "batch.kubernetes.io/job-name"


class Line(msgspec.Struct):
    kind: str
    object: msgspec.Raw


def recorded(job):
    """What the real cluster told of one Job and its pods, in its order."""
    for line in RECORDED.read_bytes().splitlines():
        told = msgspec.json.decode(line, type=Line)
        if told.kind == "job":
            found = decode(told.object, BatchJob)
            if found.metadata.name == job:
                yield found
        else:
            found = decode(told.object, Pod)
            if found.metadata.labels.get(JOB_NAME) == job:
                yield found


def replay(job, until=None):
    """A watch after everything up to a resource version, and the states that each shard went through."""
    watch, states, ends = JobWatch(), {}, []
    for told in recorded(job):
        if until is not None and int(told.metadata.resource_version) > until:
            break
        if isinstance(told, BatchJob):
            watch.see_job(told)
        else:
            ends += filter(None, [watch.see_pod(told)])
        for shard in watch.shards():
            seen = states.setdefault(shard.index, [])
            if not seen or seen[-1] != shard.state:
                seen.append(shard.state)
    return watch, states, ends


def test_a_real_run_with_a_retry():
    """A shard whose pod failed waits 10 s, gets another pod, and the run ends well; each pod's message is kept once."""
    watch, states, ends = replay("demo")
    assert states[1] == ["waiting", "pending", "running", "retrying", "pending", "running", "done"]
    assert all(states[index][-1] == "done" for index in range(4))
    assert watch.verdict().state == "done"
    assert watch.verdict().exit_code == 0
    assert sorted((end.shard, end.exit_code, end.message) for end in ends) == [
        (0, 0, "index=0 attempt=0"),
        (1, 0, "index=1 attempt=1"),
        (1, 3, "index=1 attempt=0"),
        (2, 0, "index=2 attempt=0"),
        (3, 0, "index=3 attempt=0"),
    ]
    assert watch.tally().retries == 1


def test_back_off_is_that_of_the_real_controller():
    """The time foretold for the next pod is when the real controller made it, to the second or two."""
    watch, _, _ = replay("demo", until=283)
    shard = watch.shard(1)
    assert (shard.state, shard.reason, shard.failures) == ("retrying", "exit code 3", 1)
    made = next(told for told in recorded("demo") if told.metadata.name == "demo-1-l8prx")
    assert shard.retry_at == pytest.approx(made.metadata.creation_timestamp.timestamp(), abs=2)


def test_a_real_run_suspended_and_resumed():
    """Suspended, its shards are suspended; pods that end when told to stop complete nothing; resumed, new pods come."""
    watch, states, ends = replay("susp", until=345)
    assert watch.verdict().state == "suspended"
    assert {shard.state for shard in watch.shards()} == {"suspended"}
    assert ends == []
    watch, states, _ = replay("susp", until=359)
    once = ["waiting", "pending", "running"]
    assert states[0] == ["suspended", *once, "stopping", "suspended", *once]


def test_a_real_deletion():
    """A Job that is deleted ends as such, resumable, as its commits are in the store."""
    watch, _, _ = replay("susp")
    watch.see_job_gone()
    assert (watch.verdict().state, watch.verdict().exit_code) == ("deleted", 75)


def test_a_real_run_of_sixty():
    """Sixty shards, twenty at a time, all end, and nothing is told twice."""
    watch, states, ends = replay("many")
    assert watch.tally().states == {"done": 60}
    assert len({end.uid for end in ends}) == len(ends) == 60
    assert all(states[index][-1] == "done" for index in states)


def test_a_real_tick_of_a_cron_job():
    """A Job without indexes is one shard."""
    watch, _, ends = replay("c-29922500")
    assert watch.tally().states == {"done": 1}
    assert len(ends) == 1


def test_replaying_twice_changes_nothing():
    """An event delivered again, as after a watch that was cut, tells nothing new."""
    watch, _, ends = replay("demo")
    for told in recorded("demo"):
        if isinstance(told, Pod):
            assert watch.see_pod(told) is None
    assert len(ends) == 5
    assert watch.tally().states == {"done": 4}


@given(st.sets(st.integers(0, 60)))
def test_ranges_are_read_back(indexes):
    """Ranges hold exactly the indexes that they were written from."""
    text = _written(sorted(indexes))
    ranges = parse_ranges(text)
    assert list(ranges) == sorted(indexes)
    assert {index for index in range(-1, 63) if index in ranges} == indexes
    assert len(ranges) == len(indexes)
    assert str(ranges) == text


def test_no_ranges():
    """No text and an empty one are no indexes."""
    assert parse_ranges(None) == parse_ranges("") == Ranges()


def _written(indexes):
    parts, run = [], []
    for index in [*indexes, None]:
        if run and index != run[-1] + 1:
            parts.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
            run = []
        if index is not None:
            run.append(index)
    return ",".join(parts)
