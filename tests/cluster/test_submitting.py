"""Submitting, against a double of the API server and of the Job controller: what is asked, refused and recovered."""

import threading

import pytest

from orchestrator.cluster.client.api import Api
from orchestrator.cluster.client.connect import Wanted, connect
from orchestrator.cluster.client.following import Follower, follow, open_feed
from orchestrator.cluster.client.keeping import Kept
from orchestrator.cluster.client.submitting import submit
from orchestrator.cluster.progress import Quiet
from orchestrator.cluster.watching import JobWatch
from orchestrator.errors import ClusterError, ClusterRefused, RunConflict
from tests.cluster.conftest import kubeconfig
from tests.cluster.controller import Controller, End
from tests.cluster.double import once

LABELS = {"app.kubernetes.io/managed-by": "ftorch", "ftorch.dev/job": "job"}
POLICY = {
    "rules": [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]},
        {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [2, 3]}},
        {"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [1]}},
    ]
}


def manifests(shards=4, nodes=2, name="job-1", **spec):
    """A ConfigMap and a Job."""
    meta = {"name": name, "labels": LABELS}
    batch = {
        "completions": shards,
        "parallelism": nodes,
        "completionMode": "Indexed",
        "backoffLimitPerIndex": 2,
        "podFailurePolicy": POLICY,
        **spec,
    }
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"job.yaml": "x"}}
    return config, {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": batch}


def run(server, api, tmp_path, play, **asked):
    """Submit and follow a run to its end: the verdict, what is known of it, and what was kept."""
    controller = Controller(server, play).start()
    try:
        return followed(api, tmp_path, submit(api, lambda _: manifests(**asked), watched=True).news)
    finally:
        controller.stop()


def outlive_token(server, api, tmp_path, token):
    """Run a job to its end while the token in a file is replaced, and the server takes the old one no more."""

    def play(index, attempt):
        if index == 1:
            token.write_text("second")
            server.token = "second"
        return End()

    server.cut_after.extend([3, 4])
    verdict, _, _ = run(server, api, tmp_path, play)
    assert verdict.exit_code == 0
    assert api.get("/version").status == 200


def followed(api, tmp_path, news):
    """Follow a run to its end."""
    watch, kept = JobWatch(), Kept(tmp_path, "job-1")
    verdict = follow(Follower(api, "job-1", kept, Quiet()), news, watch)
    return verdict, watch, kept.read()


def well(index, attempt):
    """Every pod ends well."""
    return End(message=f"{index}.{attempt}")


def test_a_run_is_submitted_followed_and_kept(server, api, tmp_path):
    """A job goes to its end, what each pod left behind is on this machine, and the ConfigMap belongs to the Job."""
    verdict, watch, kept = run(server, api, tmp_path, well)
    assert (verdict.state, verdict.exit_code) == ("done", 0)
    assert watch.tally().states == {"done": 4}
    assert sorted(end.message for end in kept) == ["0.0", "1.0", "2.0", "3.0"]
    job, config = server.find("jobs")[0], server.find("configmaps")[0]
    owners = config["metadata"]["ownerReferences"]
    assert [(owner["kind"], owner["uid"]) for owner in owners] == [("Job", job["metadata"]["uid"])]


def test_the_order_of_requests(server, api):
    """Version, both dry runs, the Job, its ConfigMap: five requests, each by our field manager, checked strictly."""
    submit(api, lambda _: manifests(), watched=False)
    verbs = [f"{each.split('?')[0]}{' dry' if 'dryRun=All' in each else ''}" for each in server.asked]
    space = "namespaces/work"
    assert verbs == [
        "GET /version",
        f"PATCH /api/v1/{space}/configmaps/job-1 dry",
        f"PATCH /apis/batch/v1/{space}/jobs/job-1 dry",
        f"PATCH /apis/batch/v1/{space}/jobs/job-1",
        f"PATCH /api/v1/{space}/configmaps/job-1",
    ]
    assert all("fieldManager=ftorch" in each and "fieldValidation=Strict" in each for each in server.asked[1:])


def test_failures_evictions_and_lost_pods(server, api, tmp_path):
    """A failed pod is made again, an evicted and a deleted one do not count, and the run ends well."""
    first = {0: End(5), 1: End(137, evicted=True), 2: End(deleted=True)}
    verdict, watch, kept = run(
        server, api, tmp_path, lambda index, attempt: first.get(index, End()) if attempt == 0 else End()
    )
    assert verdict.exit_code == 0
    assert (watch.tally().retries, watch.tally().evicted) == (1, 1)
    assert sorted((end.shard, end.exit_code) for end in kept) == [(0, 0), (0, 5), (1, 0), (1, 137), (2, 0), (3, 0)]


@pytest.mark.parametrize(("code", "expected"), [(1, 1), (2, 2), (3, 3), (139, 139)])
def test_exit_codes(server, api, tmp_path, code, expected):
    """The run ends with the exit code of DESIGN §9 that its pods ended with."""
    verdict, _, _ = run(server, api, tmp_path, lambda index, _: End(code if index == 1 else 0))
    assert (verdict.state, verdict.exit_code) == ("failed", expected)


@pytest.mark.parametrize(
    "fault",
    [
        once("PATCH", 429, "slow down", {"Retry-After": "0"}, times=2),
        once("PATCH", 503, "not yet", times=2),
        once("/version", 500, "etcd", times=1),
        once("watch=true", 503, "not yet", times=1),
        once("watch=true", 410, "too old", times=1),
    ],
    ids=["429", "503", "500", "watch-503", "watch-410"],
)
def test_a_passing_refusal_is_waited_out(server, api, tmp_path, fault):
    """429 with Retry-After, 5xx and 410 are recovered from, whatever they interrupt."""
    server.faults.append(fault)
    verdict, _, kept = run(server, api, tmp_path, well)
    assert server.refused
    assert verdict.exit_code == 0
    assert len(kept) == 4


def test_watches_that_are_cut_all_the_time(server, api, tmp_path):
    """Connections that break after each few events lose nothing: every pod's end is seen once."""
    server.cut_after.extend([1, 2, 3, 1, 1, 2, 5, 1, 3] * 3)
    verdict, watch, kept = run(server, api, tmp_path, well, shards=12, nodes=3)
    assert verdict.exit_code == 0
    assert sorted(end.shard for end in kept) == list(range(12))
    assert watch.tally().states == {"done": 12}
    assert len(server.cut_after) < 20


def test_a_history_that_was_compacted(server, api, tmp_path):
    """410 Gone after a cut: all there is now is listed, and the run goes on from there."""
    server.cut_after.extend([2, 2])
    gone = threading.Event()

    def play(index, attempt):
        if not gone.is_set():
            gone.set()
            server.forget()
        return End(message=f"{index}.{attempt}")

    verdict, _, kept = run(server, api, tmp_path, play)
    assert verdict.exit_code == 0
    assert len(kept) == 4
    assert any("pods?" in each or "jobs?" in each for each in server.plain_requests("GET"))


def test_expired_credentials_are_fetched_anew(server, tmp_path, monkeypatch):
    """401 in the middle of a run: the kubeconfig's plugin is asked again, and the run goes on."""
    script = tmp_path / "login"
    script.write_text(
        "#!/bin/sh\n"
        'echo \'{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", \'\n'
        f'printf \'"status": {{"token": "%s"}}}}\' "$(cat {tmp_path}/token)"\n'
    )
    script.chmod(0o755)
    (tmp_path / "token").write_text("first")
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(script), "interactiveMode": "Never"}
    (tmp_path / "config").write_text(kubeconfig(server.address, {"exec": plugin}))
    server.token = "first"
    api = Api(lambda: connect(Wanted()))

    outlive_token(server, api, tmp_path, tmp_path / "token")


def test_wrong_credentials_are_an_error(server):
    """Credentials that stay refused are told in one line."""
    server.token = "other"
    with pytest.raises(ClusterError, match="does not accept our credentials"):
        submit(Api(lambda: connect(Wanted())), lambda _: manifests(), watched=True)


FORBIDDEN = (
    'jobs.batch "job-1" is forbidden: User "eve" cannot patch resource "jobs" in API group "batch" '
    'in the namespace "work"'
)
NO_WATCH = 'pods is forbidden: User "eve" cannot watch resource "pods" in API group "" in the namespace "work"'
HOOK = 'admission webhook "images.example.com" denied the request: image is not signed'
QUOTA = 'jobs.batch "job-1" is forbidden: exceeded quota: small, requested: count/jobs.batch=1, used: 5, limited: 5'
SECURE = 'pods "x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'


@pytest.mark.parametrize(
    ("match", "answer", "refused"),
    [
        (
            "jobs/job-1",
            (403, FORBIDDEN),
            (ClusterError, r"no permission to patch jobs.batch in namespace work \(as eve\)"),
        ),
        ("pods?", (403, NO_WATCH), (ClusterError, r"no permission to watch pods in namespace work \(as eve\)")),
        (
            "jobs/job-1",
            (400, HOOK),
            (ClusterRefused, "policy 'images.example.com' refuses the job: image is not signed"),
        ),
        ("jobs/job-1", (403, QUOTA), (ClusterRefused, "the namespace's quota is used up: small")),
        ("jobs/job-1", (403, SECURE), (ClusterRefused, r"pod security \(restricted:latest\) would refuse every pod")),
        ("configmaps", (404, 'namespaces "work" not found'), (ClusterError, "there is no namespace 'work'")),
        ("jobs/job-1", (422, "spec.completions: too many"), (ClusterRefused, "the cluster does not accept the job")),
    ],
)
def test_a_refusal_is_one_clear_line_and_creates_nothing(server, api, match, answer, refused):
    """No permission, a webhook, a quota, pod security: told before anything is created."""
    server.faults.append(once(match, *answer, times=99))
    kind, told = refused
    with pytest.raises(kind, match=told) as caught:
        submit(api, lambda _: manifests(), watched=True)
    assert "\n" not in caught.value.message
    assert server.objects == {}


def test_pods_that_pod_security_would_refuse(server, api):
    """The namespace's pod security refuses pods, not Jobs; its warning to the dry run is an error of ours."""
    server.warnings = ['would violate PodSecurity \\"restricted:latest\\": runAsNonRoot != true']
    with pytest.raises(ClusterRefused, match="would refuse every pod"):
        submit(api, lambda _: manifests(), watched=False)
    assert server.objects == {}


def test_a_webhook_that_knows_no_dry_run(server, api):
    """Such a webhook cannot be asked beforehand: that is told, and the job submitted."""
    message = 'admission webhook "old.example.com" does not support dry run'
    server.faults.append(once("dryRun=All", 400, message, times=99))
    submitted = submit(api, lambda _: manifests(), watched=False)
    assert "not checked beforehand" in submitted.warnings[0]
    assert len(server.find("jobs")) == 1


def test_a_job_of_that_name(server, api):
    """A name that is taken is told before anything is changed."""
    submit(api, lambda _: manifests(), watched=False)
    with pytest.raises(RunConflict, match="a Job of that name already"):
        submit(api, lambda _: manifests(shards=9), watched=False)
    assert server.find("jobs")[0]["spec"]["completions"] == 4


def test_a_config_map_that_is_refused_after_all(server, api):
    """Where the ConfigMap is refused once the Job is there, the Job is deleted again."""
    seen = []

    def fault(double, _request):
        asked = double.asked[-1]
        if "configmaps" in asked and "dryRun" not in asked:
            seen.append(asked)
            once("configmaps", 422, "no")(double, _request)

    server.faults.append(fault)
    with pytest.raises(ClusterRefused):
        submit(api, lambda _: manifests(), watched=False)
    assert seen
    assert server.objects == {}


def test_a_job_deleted_under_us(server, api, tmp_path):
    """Somebody deletes the Job: following it ends, resumable."""

    def play(index, attempt):
        for job in server.find("jobs"):
            server.put("jobs", job, "DELETED")

    verdict, _, _ = run(server, api, tmp_path, play)
    assert (verdict.state, verdict.exit_code) == ("deleted", 75)


def test_following_a_run_that_is_there(server, api, tmp_path):
    """From another machine, a run that is under way is listed first, then followed; its ended pods are kept, too."""
    submit(api, lambda _: manifests(), watched=False)
    controller = Controller(server, well)
    while len(controller.done) < 2:
        controller.step()
    controller.start()
    try:
        verdict, _, kept = followed(api, tmp_path, open_feed(api, "job-1", there=True))
    finally:
        controller.stop()
    assert verdict.exit_code == 0
    assert len(kept) == 4


def test_nothing_listens(tmp_path, monkeypatch):
    """An API server that does not answer is told in one line, with its address."""
    (tmp_path / "config").write_text(kubeconfig("http://127.0.0.1:9"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    with pytest.raises(ClusterError, match="does not answer") as caught:
        submit(Api(lambda: connect(Wanted())), lambda _: manifests(), watched=True)
    assert caught.value.where == "http://127.0.0.1:9"


def test_no_kubeconfig(tmp_path, monkeypatch):
    """Without a kubeconfig, and outside a cluster, that is what is told."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ClusterError, match="there is no kubeconfig"):
        connect(Wanted())


def test_no_such_context(server):
    """A context that the kubeconfig does not have is told by its name."""
    with pytest.raises(ClusterError, match="there is no context 'there'"):
        connect(Wanted(context="there"))


def test_a_login_command_that_fails(server, tmp_path, monkeypatch):
    """A kubeconfig whose login command is missing is told as that, not as credentials that are refused."""
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-login", "interactiveMode": "Never"}
    (tmp_path / "config").write_text(kubeconfig(server.address, {"exec": plugin}))
    with pytest.raises(ClusterError, match=r"credentials cannot be had: .*no-such-login"):
        connect(Wanted())


def test_a_kubeconfig_that_is_none(server, tmp_path):
    """A file that is no YAML, or says nothing of clusters, is told with its name."""
    for text in ("{{{", "a: 1", ""):
        (tmp_path / "config").write_text(text)
        with pytest.raises(ClusterError, match="kubeconfig cannot be used") as caught:
            connect(Wanted())
        assert caught.value.where == str(tmp_path / "config")
