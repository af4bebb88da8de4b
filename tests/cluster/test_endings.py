"""How a run on a cluster ends as the user sees it: exit code, words, and what is in the report."""

import json

import pytest

from orchestrator.cluster.objects import Pod, decode
from orchestrator.cluster.outcome import outcome, outcome_text
from orchestrator.cluster.pods import ended, seen
from orchestrator.report.comparisons import FOLDER
from tests.cluster.controller import End
from tests.cluster.made_objects import pod
from tests.cluster.test_commands import JOB, SUMMARY, folder, ftorch, playing
from tests.cluster.test_states import DISRUPTED, watched
from tests.cluster.test_watching import recorded as told
from tests.cluster.test_watching import replay
from tests.report.test_collapse import comparison

__all__ = ["folder", "playing"]


def summary(shard, code=0, message="", **more):
    """What a pod leaves behind."""
    return json.dumps({**SUMMARY, "shard": shard, "exit_code": code, "message": message, "wall_s": 2.0, **more})


def submit(folder, *options, code):
    """Submit the job to the cluster, and expect an exit code; what it printed."""
    done = ftorch(folder, "submit", "job.yaml", "--on", "kubernetes", *options)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_a_shard_that_fails_for_good(server, playing, folder):
    """FailIndex: the others are done, the run ends with 1, and the shard is named with its pod's own words."""
    end = End(1, summary(2, 1, "3 of 5 items failed, 0 allowed"))
    playing(lambda index, _: end if index == 2 else End(message=summary(index)))
    text = submit(folder, code=1)
    assert ": failed\n" in text
    assert "shards      3: 2 done, 1 failed" in text
    assert "reason      Job has failed indexes (shard 2: exit code 1)" in text
    assert "exit code 1: 3 of 5 items failed, 0 allowed" in text
    assert len([pod for pod in server.find("pods") if pod["metadata"]["name"].split("-")[-2] == "2"]) == 1


def test_more_shards_failed_than_allowed(server, playing, folder):
    """`max_failed_indexes` ends the run: with 1, what failed named, and what was not begun told as stopped."""
    (folder / "job.yaml").write_text(JOB.replace("shards: 3,", "shards: 6, max_failed_indexes: 1,"))
    playing(lambda index, _: End(1, summary(index, 1)) if index in {1, 2} else None)
    text = submit(folder, code=1)
    assert "Job has exceeded the specified maximal number of failed indexes (shard 1: exit code 1; shard 2" in text
    assert "2 failed, 4 stopped" in text


def test_evictions_are_no_failures(server, playing, folder):
    """Pods that the cluster takes away are made again for nothing; the report counts them, by node, too."""
    playing(lambda index, tried: End(137, evicted=True) if tried == 0 else End(message=summary(index, node="n1")))
    text = submit(folder, code=0)
    assert "0 failed, 3 evicted" in text
    assert "evictions   3 pods taken away by the cluster" in text
    assert "EVICTED" in text
    assert "3 pods that left no summary" in text


def test_a_run_that_is_out_of_time(server, playing, folder):
    """`timeout.job` ends with 75: what was committed is in the store, and can be gone on with."""
    (folder / "job.yaml").write_text(JOB + "timeout: {job: 50s}\n")
    playing(lambda *_: None)
    assert "Job was active longer than specified deadline" in submit(folder, code=75)


@pytest.mark.parametrize(("code", "words"), [(2, "found no such module"), (3, "the GIL is on")])
def test_a_wrong_job_ends_at_once(server, playing, folder, code, words):
    """FailJob: the first pod that says so ends the run with its own code, and its words are shown."""
    playing(lambda index, _: End(code, summary(index, code, words)))
    text = submit(folder, code=code)
    assert words in text
    assert "matching FailJob rule" in text


def test_the_end_of_submit_is_the_whole_report(server, playing, folder):
    """Start-up, CPU-hours that pods held, cost, and the work as a fleet, from a comparison kept with the job."""
    (folder / "job.yaml").write_text(JOB.replace("nodes: 2,", "nodes: 2, cpu: 2,"))
    (folder / FOLDER).mkdir(parents=True)
    (folder / FOLDER / "c.json").write_bytes(json.dumps(_comparison("photos")).encode())
    playing(lambda index, _: End(message=summary(index, threads=2, quota_cpus=2.0, peak_rss=90_000_000)))
    report = json.loads(submit(folder, "--price", "0.5", "--json", code=0))["report"]
    assert report["pods"]["pods"] == 3
    assert report["pods"]["startup"] >= 1.0
    assert report["cost"] == pytest.approx(report["pods"]["held_cpu_hours"] * 0.5)
    assert report["pods"]["starting_cpu_hours"] > 0
    assert report["collapse"]["held_cpu_hours"] == pytest.approx(1.25 * report["held_cpu_hours"])
    assert report["collapse"]["memory"] == 2 * 160_000_000
    text = ftorch(folder, "report", ".", "--on", "kubernetes", "--price", "0.5").stdout
    for part in ("start-up", "held", "cost", "computed, not measured", "90 MB at most in a shard's worker"):
        assert part in text
    (folder / FOLDER / "c.json").unlink()
    assert "`ftorch compare JOB` makes one" in ftorch(folder, "report", ".", "--on", "kubernetes").stdout


def _comparison(job):
    import msgspec

    return msgspec.to_builtins(comparison(job=job))


def test_a_comparison_that_is_none_is_told_before_anything_is_sent(server, folder):
    """A wrong --compare ends with 2, and nothing was asked of the cluster."""
    (folder / "c.json").write_text("{}")
    done = ftorch(folder, "submit", "job.yaml", "--on", "kubernetes", "--compare", "c.json")
    assert done.returncode == 2
    assert "no comparison" in done.stderr
    assert server.asked == []


def test_the_real_cluster_tells_when_a_pod_had_a_node():
    """In the recorded stream each pod's creation, placing, start and end are there, in that order."""
    _, _, ends = replay("demo")
    assert len(ends) == 5
    for end in ends:
        assert end.created <= end.placed <= end.started <= end.finished
    watch, _, ends = replay("demo")
    report = outcome("demo", watch, ends).report
    assert report.pods is not None
    assert report.pods.silent == 5, "the recorded pods were none of ours, and left other words"
    assert next(told("demo")) is not None


def test_what_a_pod_holds():
    """The CPUs are those that its containers ask for, in whole or thousandths."""
    asked = [{"name": "ftorch", "resources": {"requests": {"cpu": "1500m"}}}, {"name": "side"}]
    made = pod(code=0, phase="Succeeded")
    text = {"metadata": {"name": "p", "uid": "u"}, "spec": {"containers": asked}, "status": {"phase": "Succeeded"}}
    found = decode(json.dumps(text).encode(), Pod)
    assert ended(found, seen(found)).cpus == 1.5
    assert ended(made, seen(made)).cpus is None


def test_evictions_of_a_shard_that_never_reported():
    """A shard whose only pod was taken away has no row, and its eviction is counted all the same."""
    taken = pod(0, "a", code=137, phase="Failed", conditions=[DISRUPTED])
    found = outcome("r", watched(_job(), taken), [ended(taken, seen(taken))])
    assert found.report.evictions == 1
    assert "0 failed, 1 evicted" in outcome_text(found, None)


def _job():
    from tests.cluster.made_objects import job

    return job()
