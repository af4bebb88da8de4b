"""What the recorded streams do not show: evictions, shards that fail for good, and the exit codes of a run's end."""

from datetime import UTC, datetime

import pytest

from orchestrator.cluster.objects import FAILURES, IGNORED, INDEX
from orchestrator.cluster.shards import back_off
from orchestrator.cluster.watching import JobWatch
from tests.cluster.made_objects import job, pod

DISRUPTED = {"type": "DisruptionTarget", "reason": "EvictionByEvictionAPI"}


def watched(*objects):
    """A watch that has seen a Job and some pods."""
    watch = JobWatch()
    watch.see_job(objects[0])
    for each in objects[1:]:
        watch.see_pod(each)
    return watch


def failed(reason, message=""):
    """The condition of a Job that failed."""
    return {"type": "Failed", "reason": reason, "message": message}


def test_an_evicted_pod_is_not_a_failure():
    """A pod that the cluster took away is told as evicted, with the reason, and does not count against its shard."""
    watch = watched(job(), pod(code=137, phase="Failed", conditions=[DISRUPTED]))
    shard = watch.shard(0)
    assert (shard.state, shard.reason, shard.failures) == ("evicted", "EvictionByEvictionAPI", 0)
    assert (watch.tally().evicted, watch.tally().retries) == (1, 0)


def test_an_evicted_pod_is_made_again_after_the_same_wait():
    """The controller's back-off counts pods that its policy ignores, too: the third end of an index waits for 40 s."""
    before = {"annotations": {INDEX: "0", FAILURES: "1", IGNORED: "1"}}
    shard = watched(job(), pod(code=137, phase="Failed", conditions=[DISRUPTED], meta=before)).shard(0)
    assert (shard.state, shard.failures) == ("evicted", 1)
    assert shard.retry_at == datetime(2026, 1, 1, 0, 1, 40, tzinfo=UTC).timestamp()
    failed = watched(job(), pod(code=1, phase="Failed", meta=before)).shard(0)
    assert (failed.state, failed.retry_at) == ("retrying", shard.retry_at)


def test_a_shard_that_failed_for_good():
    """A shard among the failed indexes is failed, with its pod's exit code; the others go on."""
    watch = watched(job(failedIndexes="2", completedIndexes="0"), pod(2, code=1, phase="Failed"))
    assert [shard.state for shard in watch.shards()] == ["done", "waiting", "failed", "waiting"]
    assert watch.shard(2).reason == "exit code 1"


def test_out_of_memory_is_said():
    """A container that was killed for its memory is told as that."""
    watch = watched(job(), pod(code=137, phase="Failed", ended={"reason": "OOMKilled"}))
    assert watch.shard(0).reason == "out of memory"


def test_what_holds_a_pod_up():
    """A pod that cannot start says why: its image, or that no node has room."""
    image = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    assert watched(job(), pod(phase="Pending", state=image)).shard(0).reason == "ImagePullBackOff: no such image"
    no_room = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
    assert watched(job(), pod(phase="Pending", conditions=[no_room])).shard(0).reason == "0/3 nodes"


def test_late_news_of_an_older_pod_changes_nothing():
    """The finalizer of a failed pod goes when the next pod runs already; the shard stays running."""
    old, new = pod(uid="a", code=1, phase="Failed"), pod(uid="b", failures=1)
    watch = watched(job(), old, new, old)
    assert watch.shard(0).state == "running"
    watch.see_pod_gone(old)
    assert watch.shard(0).state == "running"


def test_a_pod_deleted_under_us_is_waited_for():
    """A pod that vanished without an end leaves its shard waiting for the next one."""
    watch = watched(job(), pod())
    watch.see_pod_gone(pod())
    assert watch.shard(0).state == "waiting"


def test_a_list_after_a_gap_forgets_what_is_gone():
    """After a gap in the watch, pods that are in no list are no more, and those that ended meanwhile are told once."""
    watch = watched(job(), pod(0, "a"), pod(1, "b"))
    ended = pod(1, "b", code=0, phase="Succeeded", message="m")
    assert [end.message for end in watch.see_pods([ended])] == ["m"]
    assert watch.see_pods([ended]) == []
    assert [watch.shard(0).state, watch.shard(1).state] == ["waiting", "done"]


def test_a_suspended_job_keeps_what_is_done():
    """Suspended, what is done stays done."""
    watch = watched(job(suspend=True, completedIndexes="0"))
    assert [shard.state for shard in watch.shards()] == ["done", "suspended", "suspended", "suspended"]


@pytest.mark.parametrize(
    ("reason", "codes", "expected"),
    [
        ("PodFailurePolicy", [2], 2),
        ("PodFailurePolicy", [3], 3),
        ("PodFailurePolicy", [1, 3], 3),
        ("FailedIndexes", [1], 1),
        ("FailedIndexes", [139], 139),
        ("FailedIndexes", [1, 139], 1),
        ("MaxFailedIndexesExceeded", [1, 1], 1),
        ("BackoffLimitExceeded", [75], 75),
        ("DeadlineExceeded", [], 75),
        ("FailedIndexes", [], 1),
    ],
)
def test_the_exit_code_of_a_failed_run(reason, codes, expected):
    """A failed Job ends the command with the code of DESIGN §9 that its pods' codes and its reason stand for."""
    pods = [pod(index, str(index), code=code, phase="Failed") for index, code in enumerate(codes)]
    watch = watched(job(conditions=[failed(reason)], failedIndexes=f"0-{len(codes) - 1}" if codes else ""), *pods)
    assert watch.verdict().exit_code == expected


def test_the_reason_names_the_shards():
    """Why a run failed names the first shards that did, and how."""
    watch = watched(
        job(conditions=[failed("FailedIndexes", "Job has failed indexes")], failedIndexes="3"),
        pod(3, code=1, phase="Failed"),
    )
    assert watch.verdict().reason == "Job has failed indexes (shard 3: exit code 1)"


def test_back_off_doubles_to_ten_minutes():
    """Kubernetes waits 10 s, 20 s, 40 s … and at most 10 minutes."""
    assert [back_off(n) for n in (1, 2, 3, 7, 20, 5000)] == [10, 20, 40, 600, 600, 600]
