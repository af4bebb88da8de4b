"""A job with a schedule: its CronJob submitted again, its ticks' runs looked at, suspended, ended."""

import json

import pytest

from orchestrator.cluster.client.applying import apply
from orchestrator.cluster.client.schedules import find_schedule, list_schedules
from orchestrator.errors import ClusterRefused
from tests.cluster.controller import Controller, End, tick
from tests.cluster.double import Refusal, once
from tests.cluster.test_commands import JOB, SUMMARY, folder, ftorch, playing

__all__ = ["folder", "playing"]
SCHEDULED = JOB + 'schedule: {cron: "0 2 * * *", time_zone: Europe/Berlin}\n'


@pytest.fixture
def nightly(server, folder):
    """A submitted schedule."""
    (folder / "job.yaml").write_text(SCHEDULED)
    done = ftorch(folder, "submit", "job.yaml", "--on", "kubernetes")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "photos: scheduled\n  next: ftorch runs --on kubernetes\n"
    return folder


def run_tick(server, minute):
    """Have a tick make its run, and that run end well."""
    run = tick(server, "photos", minute)
    controller = Controller(server, lambda index, _: End(message=json.dumps({**SUMMARY, "shard": index})))
    while controller.step():
        pass
    return run


def test_a_schedule_is_one_cron_job_that_owns_its_code(server, nightly):
    """The CronJob is applied, and its ConfigMap belongs to it; no Job is there before its time."""
    [cron], [code] = server.find("cronjobs"), server.find("configmaps")
    assert (cron["spec"]["schedule"], cron["spec"]["timeZone"]) == ("0 2 * * *", "Europe/Berlin")
    assert [owner["uid"] for owner in code["metadata"]["ownerReferences"]] == [cron["metadata"]["uid"]]
    assert server.find("jobs") == []


def test_ticks_are_runs_like_any_other(server, nightly, tmp_path):
    """Each tick's Job is listed under its schedule, and looked at by its own name or, for the newest, by the job's."""
    first, second = run_tick(server, 29_922_500), run_tick(server, 29_923_940)
    listed = ftorch(tmp_path, "runs", "--on", "kubernetes").stdout.splitlines()
    assert [line.split()[:2] for line in listed[1:]] == [["photos", "scheduled"], [first, "done"], [second, "done"]]
    assert f"{first}: done" in ftorch(tmp_path, "status", first, "--on", "kubernetes").stdout
    told = json.loads(ftorch(nightly, "report", ".", "--on", "kubernetes", "--json").stdout)
    assert (told["run"], told["report"]["items"]) == (second, 15)
    server.log_lines["*"] = ["hello"]
    assert ftorch(tmp_path, "logs", "photos", "--on", "kubernetes").stdout == "[0] hello\n[1] hello\n[2] hello\n"


def test_a_schedule_is_suspended_resumed_and_cancelled(server, nightly):
    """By its name or its folder: no new runs, new runs again, and gone with the Jobs that it owns."""
    run_tick(server, 29_922_500)
    assert ftorch(nightly, "suspend", ".").stdout.startswith("photos: schedule suspended")
    assert server.find("cronjobs")[0]["spec"]["suspend"] is True
    assert "suspended" in ftorch(nightly, "runs", "--on", "kubernetes").stdout
    assert ftorch(nightly, "resume", "photos").returncode == 0
    assert server.find("cronjobs")[0]["spec"]["suspend"] is False
    done = ftorch(nightly, "cancel", "photos")
    assert (done.returncode, done.stdout.split(",")[0]) == (0, "photos: schedule cancelled")
    assert [obj for obj in server.objects if obj[0] != "pods"] == []
    kept = list((nightly / ".ftorch/cluster").glob("*/pods.jsonl"))
    assert len(kept) == 1, "what its pods left behind is kept first"


def test_a_schedule_is_submitted_again(server, nightly):
    """With another time it is changed in place; what `ftorch suspend` has set is set by the file again."""
    assert ftorch(nightly, "suspend", "photos").returncode == 0
    (nightly / "job.yaml").write_text(SCHEDULED.replace("0 2", "0 3"))

    def ours(double, _request):
        if "cronjobs" in double.asked[-1] and "force" not in double.asked[-1] and "PATCH" in double.asked[-1]:
            raise conflict('conflict with "ftorch" using batch/v1')

    server.faults.append(ours)
    done = ftorch(nightly, "submit", "job.yaml", "--on", "kubernetes")
    assert done.returncode == 0, done.stderr
    [cron] = server.find("cronjobs")
    assert (cron["spec"]["schedule"], cron["spec"]["suspend"]) == ("0 3 * * *", False)


def test_what_others_have_set_is_not_overwritten(server, nightly):
    """A field that somebody else's tool has set since is told with its owner, and left."""
    server.faults.append(lambda double, _: refuse(double, conflict('conflict with "kubectl-edit" using batch/v1')))
    done = ftorch(nightly, "submit", "job.yaml", "--on", "kubernetes")
    assert done.returncode == 2
    assert 'conflict with "kubectl-edit"' in done.stderr
    assert not any("force" in each for each in server.asked)


def test_a_schedule_where_only_jobs_may_be_read(server, api, nightly):
    """Who has no permission for cronjobs sees the runs, and no schedules."""
    told = 'cronjobs.batch is forbidden: User "eve" cannot list resource "cronjobs" in API group "batch"'
    server.faults.append(once("GET /apis/batch/v1/namespaces/work/cronjobs", 403, told, times=9))
    assert find_schedule(api, "photos") is None
    assert list_schedules(api) == []
    assert ftorch(nightly, "runs", "--on", "kubernetes").returncode == 0


def conflict(cause):
    """409 of an apply, as the server says it."""
    causes = [{"reason": "FieldManagerConflict", "message": cause, "field": ".spec.suspend"}]
    return Refusal(409, f"Apply failed with 1 conflict: {cause}: .spec.suspend", "Conflict", details={"causes": causes})


def refuse(double, refusal):
    """Answer each apply of a CronJob with a refusal."""
    if "PATCH" in double.asked[-1] and "cronjobs" in double.asked[-1]:
        raise refusal


MODIFIED = (
    'Operation cannot be fulfilled on resourcequotas "small": the object has been modified; '
    "please apply your changes to the latest version and try again"
)


@pytest.mark.parametrize("match", ["dryRun=All", "jobs/job-1?fieldManager=ftorch&fieldValidation=Strict", "configmaps"])
def test_an_apply_that_was_overtaken_is_tried_again(server, api, match):
    """409 because a quota, or the object, changed at the same moment passes: the job is applied all the same, once."""
    from orchestrator.cluster.client.submitting import submit
    from tests.cluster.test_submitting import manifests

    server.faults.append(once(match, 409, MODIFIED, times=3))
    submit(api, lambda _: manifests(), watched=False)
    assert server.refused == 3
    assert len(server.find("jobs")) == len(server.find("configmaps")) == 1


def test_a_change_that_is_always_overtaken_ends(server, api):
    """It is not tried for ever, and told with the server's words; nothing stays behind."""
    from tests.cluster.test_submitting import manifests

    server.faults.append(once("configmaps", 409, MODIFIED, times=99))
    with pytest.raises(ClusterRefused, match="again and again: Operation cannot be fulfilled") as caught:
        apply(api, manifests())
    assert server.refused == 6
    assert server.objects == {}
    assert caught.value.exit_code == 2


def test_suspending_what_changes_all_the_time(server, api):
    """Suspending a Job whose status changes meanwhile is tried again."""
    from orchestrator.cluster.client.runs import suspend
    from tests.cluster.test_submitting import manifests

    apply(api, manifests())
    server.faults.append(once("PATCH", 409, MODIFIED.replace("resourcequotas", "jobs.batch"), times=4))
    suspend(api, "job-1", True)
    assert server.find("jobs")[0]["spec"]["suspend"] is True
