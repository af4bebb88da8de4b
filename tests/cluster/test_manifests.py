"""From a job to the objects that run it."""

import pytest
from hypothesis import given, settings

from orchestrator.cluster.bring import job_in_pods, job_text
from orchestrator.cluster.manifests.build import build
from orchestrator.cluster.manifests.names import cluster_run_id
from orchestrator.cluster.manifests.owner import owned_by
from orchestrator.cluster.manifests.wanted import advice
from orchestrator.cluster.rules import refusals
from orchestrator.errors import JobError
from orchestrator.spec.load import load_job_text
from tests.cluster.specs import FILES, check_schemas, jobs, pod_of, spec_of, target_of


def built(**sections):
    """The Job or CronJob of the plain job with some sections changed."""
    return build(target_of(spec_of(**sections)))[-1]


def refused(target):
    """What the user reads when a job cannot go to a cluster."""
    with pytest.raises(JobError) as caught:
        build(target)
    return str(caught.value)


@settings(max_examples=60, deadline=None)
@given(job=jobs)
def test_any_job_gives_valid_objects(job):
    """Whatever a valid job says, its objects pass the strict schemas of every version, and the server's own rules."""
    objects = build(target_of(spec_of(**job)))
    assert [each["kind"] for each in objects] == ["ConfigMap", "CronJob" if "schedule" in job else "Job"]
    for manifest in objects:
        assert list(refusals(manifest)) == []
        check_schemas(manifest)


@settings(max_examples=100, deadline=None)
@given(job=jobs)
def test_the_pods_job_file_is_the_job(job):
    """The job file in the ConfigMap reads as the job, without what only the cluster needs."""
    spec = spec_of(**job)
    assert load_job_text(job_text(spec)) == job_in_pods(spec)


@settings(max_examples=50, deadline=None)
@given(job=jobs)
def test_requests_are_limits_whatever_the_job(job):
    """Every pod is of the Guaranteed class, and restricted."""
    pod = pod_of(build(target_of(spec_of(**job)))[-1])
    (container,) = pod["containers"]
    assert container["resources"]["requests"] == container["resources"]["limits"]
    assert set(container["resources"]["limits"]) == {"cpu", "memory"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False


def test_shards_and_nodes():
    """Shards are completions, nodes are parallelism; without shards there are as many as nodes."""
    spec = built(kubernetes={"nodes": 3, "shards": 9})["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 9, 3)
    assert built(kubernetes={"nodes": 3, "shards": None})["spec"]["completions"] == 3


def test_what_a_pod_is_told():
    """A pod is told its run by its Job's name, so that each tick of a CronJob is a run of its own."""
    (container,) = pod_of(built())["containers"]
    assert container["args"] == [
        "submit",
        "/ftorch/job/job.yaml",
        "--run",
        "$(FTORCH_STORE)/$(FTORCH_RUN)",
        "--shard",
        "auto",
    ]
    variables = {each["name"]: each for each in container["env"]}
    assert variables["FTORCH_STORE"]["value"] == "/data/runs"
    field = variables["FTORCH_RUN"]["valueFrom"]["fieldRef"]["fieldPath"]
    assert field == "metadata.labels['batch.kubernetes.io/job-name']"


def test_failures_by_exit_code():
    """Disruption is free, a wrong job ends the Job, a poison shard ends the shard, an interruption counts."""
    rules = built()["spec"]["podFailurePolicy"]["rules"]
    told = [(rule["action"], rule.get("onExitCodes", {}).get("values")) for rule in rules]
    assert told == [
        ("Ignore", None),
        ("FailJob", [2, 3]),
        ("FailIndex", [1, 132, 133, 134, 135, 136, 139]),
        ("Count", [75]),
    ]
    assert rules[0]["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]


def test_an_interruption_is_free_where_the_job_has_a_deadline():
    """Exit 75 is ignored where timeout.job ends what is interrupted for ever."""
    spec = built(timeout={"job": "90s"})["spec"]
    assert spec["activeDeadlineSeconds"] == 90
    assert spec["podFailurePolicy"]["rules"][-1]["action"] == "Ignore"


def test_grace_and_ttl_are_whole_seconds():
    """The kubelet waits longer than the job's own grace; parts of a second are rounded up."""
    job = built(timeout={"grace": "1.2s"}, kubernetes={"ttl": "90.5s"})
    assert pod_of(job)["terminationGracePeriodSeconds"] == 2 + 15
    assert job["spec"]["ttlSecondsAfterFinished"] == 91
    assert "ttlSecondsAfterFinished" not in built(kubernetes={"ttl": None})["spec"]


@pytest.mark.parametrize(
    ("spread", "where"),
    [("topology", "topologySpreadConstraints"), ("anti-affinity", "affinity"), ("none", None)],
)
def test_spread(spread, where):
    """Pods of one run are kept apart by the means that the job names."""
    pod = pod_of(built(kubernetes={"spread": spread}))
    assert {key for key in pod if key in ("topologySpreadConstraints", "affinity")} == ({where} if where else set())


def test_a_queue_holds_the_job():
    """A job for Kueue has its label and waits until Kueue resumes it."""
    job = built(kubernetes={"queue": "batch"})
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "batch"
    assert job["spec"]["suspend"] is True
    assert built()["spec"]["suspend"] is False


def test_labels_find_a_run():
    """Objects and pods carry the run and the job; a CronJob's carry no run, as each tick is another."""
    config_map, job = build(target_of(spec_of()))
    for labels in (config_map["metadata"]["labels"], job["spec"]["template"]["metadata"]["labels"]):
        assert labels["ftorch.dev/run"] == "squares-20260101-020000-1a2b"
        assert labels["app.kubernetes.io/instance"] == labels["ftorch.dev/job"] == "squares"
    assert "ftorch.dev/run" not in built(schedule={"cron": "0 2 * * *"})["metadata"]["labels"]


def test_a_schedule_s_code_has_a_name_of_its_own():
    """New code for a CronJob is a new ConfigMap: a run that is under way keeps the code it began with."""
    spec = spec_of(schedule={"cron": "0 2 * * *"})
    first, _ = build(target_of(spec))
    second, cron = build(target_of(spec, files={**FILES, "task.py": "changed"}))
    assert first["metadata"]["name"] != second["metadata"]["name"]
    assert {"name": "job", "configMap": {"name": second["metadata"]["name"]}} in pod_of(cron)["volumes"]


def test_a_job_in_the_image():
    """With job_file there is no ConfigMap, and the pods read the image's job."""
    objects = build(target_of(spec_of(kubernetes={"job_file": "/app/job.yaml"}), files={}))
    assert [each["kind"] for each in objects] == ["Job"]
    assert pod_of(objects[0])["containers"][0]["args"][1] == "/app/job.yaml"
    assert [volume["name"] for volume in pod_of(objects[0])["volumes"]] == ["tmp", "data"]


def test_code_in_folders():
    """A file in a folder is brought under a key that a ConfigMap can have, and put back into its folder."""
    config_map, job = build(target_of(spec_of(), files={**FILES, "lib/a.py": "x = 1\n"}))
    assert config_map["data"]["lib..a.py"] == "x = 1\n"
    (volume,) = [each for each in pod_of(job)["volumes"] if each["name"] == "job"]
    assert {"key": "lib..a.py", "path": "lib/a.py"} in volume["configMap"]["items"]


def test_owner():
    """An owned object is deleted with its owner, and needs no permission on the owner's finalizers."""
    config_map, job = build(target_of(spec_of()))
    live = {**job, "metadata": {**job["metadata"], "uid": "u-1"}}
    (owner,) = owned_by(config_map, live)["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["blockOwnerDeletion"]) == ("Job", "u-1", False)
    assert "ownerReferences" not in config_map["metadata"]


def test_metrics_are_served_where_they_are_asked_for():
    """With a port the pods serve there, under the name that a PodMonitor looks for; without, nothing listens."""
    (container,) = pod_of(built(kubernetes={"metrics": 9095}))["containers"]
    assert container["args"][-2:] == ["--metrics", ":9095"]
    assert container["ports"] == [{"name": "metrics", "containerPort": 9095}]
    (container,) = pod_of(built())["containers"]
    assert "ports" not in container
    assert "--metrics" not in container["args"]


def test_a_patch_reaches_what_has_no_field():
    """A patch lays what it has over the pod template and leaves the rest as it was."""
    pod = pod_of(built(kubernetes={"patch": {"spec": {"containers": [{"name": "ftorch", "tty": True}]}}}))
    assert pod["containers"][0]["tty"] is True
    assert pod["containers"][0]["image"] == "example.org/team/ftorch:1"


def test_a_patch_that_the_server_would_refuse():
    """What a patch breaks is told in the server's words, with the field, before anything is created."""
    said = refused(target_of(spec_of(kubernetes={"patch": {"spec": {"restartPolicy": "OnFailure"}}})))
    assert said.startswith("Job squares-20260101-020000-1a2b: spec.template.spec.restartPolicy: ")
    assert 'only "Never" is supported when podFailurePolicy is specified' in said


def test_what_a_cluster_needs():
    """Without an image and a store that all shards reach, all of it is told at once, with what to write."""
    said = refused(target_of(spec_of(kubernetes={"image": None, "volume": None}, output={"path": "out.jsonl"})))
    for field in ("kubernetes.image", "kubernetes.store", "output.path"):
        assert f"  {field}: found " in said
    assert "Write /data/out.jsonl, on a volume" in said


def test_input_beside_the_job_file():
    """A relative input is refused: in the pods there is nothing beside the job file but code."""
    said = refused(target_of(spec_of(input={"files": {"root": "./photos"}, "range": None})))
    assert said.startswith('input.files.root: found "./photos", expected an absolute path')


def test_too_much_code():
    """More code than a ConfigMap holds is refused with its size and the limit."""
    said = refused(target_of(spec_of(), files={**FILES, "big.py": "#" * 900_000}))
    assert said.startswith("kubernetes.files: found 900,0")
    assert "expected at most 900,000" in said


def test_an_old_server():
    """For a server older than 1.33 the message names what is missing."""
    said = refused(target_of(spec_of(), version=(1, 30)))
    assert said.startswith("found Kubernetes 1.30, expected 1.33 or newer")
    assert "podFailurePolicy" in said
    assert "backoffLimitPerIndex" in said
    assert "podReplacementPolicy" not in said


def test_names_leave_room_for_the_index():
    """A run of a job with a long name and many shards still gives host names of at most 63 characters."""
    spec = spec_of(name="x" * 52, kubernetes={"shards": 10_000})
    run = cluster_run_id(spec)
    assert len(f"{run}-9999") == 63
    build(target_of(spec, run=run))
    assert "at most 58" in refused(target_of(spec, run="x" * 59))


def test_advice():
    """What is allowed and seldom meant is told: a part of a CPU, no memory, no store, a claim for many nodes."""
    lines = list(advice(spec_of(kubernetes={"cpu": 2.5, "memory": None})))
    assert [line.split(":")[0] for line in lines] == ["kubernetes.cpu", "kubernetes.memory", "kubernetes.volume"]
    assert "take 2 or 3" in lines[0]
    assert list(advice(spec_of(kubernetes={"nodes": 1}))) == []
