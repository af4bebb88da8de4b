"""What only the API server checks: each rule broken once, and told in the server's words."""

import copy

import pytest

from orchestrator.cluster.manifests.build import build
from orchestrator.cluster.rules import changed_refusals, check_rules, refusals
from orchestrator.errors import JobError
from tests.cluster.specs import spec_of, target_of

POD = ("spec", "template", "spec")
RULES = ("spec", "podFailurePolicy", "rules")
NAMED = "x" * 62


def objects(**sections):
    """A ConfigMap and a Job, or a CronJob, that may be changed."""
    return copy.deepcopy(build(target_of(spec_of(**sections))))


def broken(manifest, path, value):
    """The manifest with one field set, or taken away by None."""
    *way, last = path
    place = manifest
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return manifest


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            (*POD, "restartPolicy"),
            "OnFailure",
            (
                'spec.template.spec.restartPolicy: Invalid value: "OnFailure": '
                'only "Never" is supported when podFailurePolicy is specified'
            ),
        ),
        (
            ("spec", "completionMode"),
            "NonIndexed",
            "spec.backoffLimitPerIndex: Invalid value: 3: requires indexed completion mode",
        ),
        (("spec", "completions"), None, "spec.completions: Required value: when completion mode is Indexed"),
        (
            ("spec", "parallelism"),
            100_001,
            (
                "spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 "
                "when completion mode is Indexed"
            ),
        ),
        (
            ("spec", "backoffLimitPerIndex"),
            None,
            (
                'spec.podFailurePolicy.rules[2].action: Invalid value: "FailIndex": '
                "requires the backoffLimitPerIndex to be set"
            ),
        ),
        (
            ("spec", "maxFailedIndexes"),
            5,
            "spec.maxFailedIndexes: Invalid value: 5: must be less than or equal to completions",
        ),
        (
            ("spec", "completions"),
            100_001,
            "spec.maxFailedIndexes: Required value: must be specified when completions is above 100000",
        ),
        (
            ("spec", "podReplacementPolicy"),
            "TerminatingOrFailed",
            'spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"',
        ),
        (
            (*RULES, 1, "onExitCodes", "values"),
            [3, 2],
            "spec.podFailurePolicy.rules[1].onExitCodes.values: Invalid value: [3, 2]: must be ordered",
        ),
        (
            (*RULES, 1, "onExitCodes", "values"),
            [0, 2],
            "spec.podFailurePolicy.rules[1].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator",
        ),
        (
            (*RULES, 1, "onExitCodes", "values"),
            [2, 2],
            "spec.podFailurePolicy.rules[1].onExitCodes.values: Duplicate value: 2",
        ),
        (
            (*RULES, 1, "onExitCodes", "containerName"),
            "other",
            (
                'spec.podFailurePolicy.rules[1].onExitCodes.containerName: Invalid value: "other": '
                "must be one of the container or initContainer names in the pod template"
            ),
        ),
        ((*POD, "containers"), [], "spec.template.spec.containers: Required value"),
        ((*POD, "containers", 0, "image"), None, "spec.template.spec.containers[0].image: Required value"),
        (
            (*POD, "containers", 0, "volumeMounts", 0, "name"),
            "nothing",
            'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "nothing"',
        ),
        (
            (*POD, "containers", 0, "volumeMounts", 0, "mountPath"),
            "/data",
            'spec.template.spec.containers[0].volumeMounts[2].mountPath: Invalid value: "/data": must be unique',
        ),
        (
            (*POD, "volumes", 0, "name"),
            "data",
            'spec.template.spec.volumes[2].name: Duplicate value: "data"',
        ),
        (
            ("spec", "template", "metadata", "labels", "ftorch.dev/run"),
            "x" * 64,
            f'spec.template.metadata.labels: Invalid value: "{"x" * 64}": must be no more than 63 bytes',
        ),
        (
            ("metadata", "labels", "ftorch.dev/run"),
            "-",
            (
                'metadata.labels: Invalid value: "-": a valid label must be an empty string or consist of '
                "alphanumeric characters, '-', '_' or '.'"
            ),
        ),
        (
            ("metadata", "name"),
            NAMED,
            f'metadata.name: Invalid value: "{NAMED}": will not able to create pod with invalid DNS label: {NAMED}-3',
        ),
    ],
)
def test_a_job_the_server_refuses(path, value, said):
    """A field that breaks a rule is told with its path, as the server tells it."""
    _, job = objects()
    assert list(refusals(job)) == []
    assert said in map(str, refusals(broken(job, path, value)))


def test_a_config_map_the_server_refuses():
    """A key with a slash, and more than a mebibyte, are refused."""
    config_map, _ = objects()
    config_map["data"] = {"lib/a.py": "x", "big": "x" * (1 << 20)}
    said = [str(refusal) for refusal in refusals(config_map)]
    assert said[0].startswith('data[lib/a.py]: Invalid value: "lib/a.py": a valid config key must consist of')
    assert said[1] == "[]: Too long: may not be more than 1048576 bytes"


def test_a_cron_job_the_server_refuses():
    """A CronJob's name leaves room for its Jobs', and its Job is looked at as any other."""
    _, cron = objects(schedule={"cron": "0 2 * * *"})
    assert list(refusals(cron)) == []
    cron["metadata"]["name"] = "x" * 53
    cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["restartPolicy"] = "OnFailure"
    said = [str(refusal) for refusal in refusals(cron)]
    assert said[0] == f'metadata.name: Invalid value: "{"x" * 53}": must be no more than 52 characters'
    assert said[1].startswith("spec.jobTemplate.spec.template.spec.restartPolicy: ")


def test_a_refusal_is_an_error_with_its_place():
    """The first refusal ends in an error that names the object and the field."""
    _, job = objects()
    broken(job, ("spec", "completions"), None)
    with pytest.raises(JobError, match=r"^Job squares-20260101-020000-1a2b: spec\.completions: Required value"):
        check_rules([job])


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("spec", "completions"), 5, "Invalid value: 5: can only be modified in tandem with spec.parallelism"),
        (("spec", "backoffLimitPerIndex"), 9, "Invalid value: 9: field is immutable"),
        (("spec", "completionMode"), "NonIndexed", 'Invalid value: "NonIndexed": field is immutable'),
    ],
)
def test_what_of_a_job_never_changes(path, value, said):
    """An update of an immutable field is refused; completions change only together with parallelism."""
    _, job = objects()
    changed = broken(copy.deepcopy(job), path, value)
    assert [str(refusal) for refusal in changed_refusals(job, changed)] == [f"{'.'.join(path)}: {said}"]
    assert list(changed_refusals(job, job)) == []


def test_what_of_a_job_may_change():
    """Suspending, another parallelism, and completions together with it are updates the server takes."""
    _, job = objects()
    for changes in ({"suspend": True}, {"parallelism": 1}, {"parallelism": 8, "completions": 8}):
        changed = {**job, "spec": {**job["spec"], **changes}}
        assert list(changed_refusals(job, changed)) == []


def test_new_code_for_a_job_is_refused():
    """Neither the template of a Job nor the files of its ConfigMap can be replaced."""
    config_map, job = objects()
    other_map, other_job = objects(kubernetes={"image": "example.org/other:2"})
    other_map["data"] = {}
    assert [refusal.field for refusal in changed_refusals(job, other_job)] == ["spec.template"]
    assert [str(refusal) for refusal in changed_refusals(config_map, other_map)] == [
        "data: Forbidden: field is immutable when `immutable` is set"
    ]


def test_other_kinds_are_left_to_the_server():
    """A CronJob's spec may change as it likes: it is the next tick that runs it."""
    _, cron = objects(schedule={"cron": "0 2 * * *"})
    _, other = objects(schedule={"cron": "0 3 * * *"}, kubernetes={"shards": 8})
    assert list(changed_refusals(cron, other)) == []
