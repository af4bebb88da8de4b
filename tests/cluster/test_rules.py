"""What only the API server checks: each rule broken once, and told in the server's words."""

import copy
import json
from pathlib import Path

import pytest

from orchestrator.cluster.manifests.build import build
from orchestrator.cluster.rules import changed_refusals, check_rules, refusals
from orchestrator.errors import JobError
from tests.cluster.specs import spec_of, target_of

RECORDED = Path(__file__).parents[1] / "testdata" / "kubernetes" / "refusals.json"
CASES = json.loads(RECORDED.read_text())["refusals"]


def objects(**sections):
    """A ConfigMap and a Job, or a CronJob, that may be changed."""
    return copy.deepcopy(build(target_of(spec_of(**sections))))


def broken(manifest, path, value):
    """The manifest with one field set or taken away by None; a mapping sets and takes away several there."""
    *way, last = path
    place = manifest
    for step in way:
        place = place[step]
    if last == "spec" and isinstance(value, dict) and isinstance(place[last], dict):
        for key, each in value.items():
            broken(manifest, [*path, key], each)
    elif value is None:
        place.pop(last, None)
    else:
        place[last] = value
    return manifest


def made(kind):
    """An object of that kind, as we make it."""
    config_map, job = objects(**({"schedule": {"cron": "0 2 * * *"}} if kind == "CronJob" else {}))
    return config_map if kind == "ConfigMap" else job


@pytest.mark.parametrize("case", CASES, ids=[case["says"].split(": ")[0] for case in CASES])
def test_what_the_server_refuses(case):
    """Each rule broken once is told with its path, in the server's own words, and nothing is told of what is right."""
    assert list(refusals(made(case["kind"]))) == []
    assert case["says"] in map(str, refusals(broken(made(case["kind"]), case["path"], case["value"])))
    assert case["source"]


def test_a_config_map_that_is_too_large():
    """More than a mebibyte is refused as a whole."""
    config_map, _ = objects()
    config_map["data"] = {"big": "x" * (1 << 20) + "y"}
    assert [str(refusal) for refusal in refusals(config_map)] == ["[]: Too long: may not be more than 1048576 bytes"]


def test_too_many_rules():
    """A policy has twenty rules at most."""
    _, job = objects()
    policy = job["spec"]["podFailurePolicy"]
    policy["rules"] = policy["rules"][:1] * 21
    told = "spec.podFailurePolicy.rules: Too many: 21: must have at most 20 items"
    assert told in map(str, refusals(job))


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
