"""The Helm chart, rendered by Helm's own engine."""

import re
from pathlib import Path

import helm_python
import msgspec
import pytest
import yaml
from hypothesis import given, settings

from orchestrator.cluster.bring import job_text, job_values
from orchestrator.cluster.manifests.build import build
from orchestrator.cluster.render import helm_values
from orchestrator.cluster.rules import changed_refusals, refusals
from orchestrator.spec.load import load_job, load_job_text
from tests.cluster.specs import PLAIN, check_schemas, jobs, spec_of, target_of
from tests.command import ROOT
from tools.chart import ADDED, CHART, GOLDEN, SCHEMA, chart_schema_text, golden
from tools.manifests import FOLDER, SHIPPED, VERSION, settings_of

CI = sorted((ROOT / CHART / "ci").glob("*-values.yaml"))
CODE = {"task.py": "def f(n):\n    return n < 1 and '<&>é\\u2028'\n", "lib/a.py": "x = 1\n"}
OPTIONAL = [key for key in ADDED if key not in ("files", "global")]


@pytest.fixture(scope="module")
def chart():
    """The chart, read once."""
    with helm_python.Chart.load(str(ROOT / CHART)) as loaded:
        yield loaded


def objects(chart, values, **release):
    """What the chart makes of some values, without notes and tests."""
    made = chart.render(values, **{"name": "rel", "namespace": "default", "revision": 1} | release)
    texts = [text for name, text in sorted(made.items()) if "/tests/" not in name and not name.endswith(".txt")]
    return [each for text in texts for each in yaml.safe_load_all(text) if each]


def values_of(path: Path):
    """A values file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def from_job(spec, files):
    """The values that `ftorch render --helm-values` writes for a job."""
    return job_values(spec) | ({"files": files} if files else {})


@pytest.mark.parametrize("path", CI, ids=lambda path: path.name)
def test_lint_is_strict_and_clean(path):
    """Helm's linter has nothing to say about the chart with any values of ci/."""
    found = helm_python.lint(str(ROOT / CHART), values_of(path), strict=True, kube_version="v1.33.0")
    told = [line for line in found.get("messages") or [] if "icon is recommended" not in str(line)]
    assert told == []


@pytest.mark.parametrize("path", CI, ids=lambda path: path.name)
def test_what_it_makes_is_valid(chart, path):
    """Whatever the chart makes passes the strict schemas of every version and the server's rules."""
    made = chart.render(values_of(path), name="rel", namespace="default")
    everything = [
        each for name, text in made.items() if not name.endswith(".txt") for each in yaml.safe_load_all(text) if each
    ]
    assert {each["kind"] for each in everything} >= {"Pod"}
    for each in everything:
        assert list(refusals(each)) == []
        if each["kind"] != "PodMonitor":
            check_schemas(each)


@settings(max_examples=150, deadline=None)
@given(job=jobs)
def test_it_makes_what_submit_applies(chart, job):
    """For any job the chart makes the very objects that `render` and `submit` make, code and fingerprint included."""
    spec = spec_of(**job)
    files = CODE
    run = spec.name if spec.schedule is not None else f"{spec.name}-r1"
    files_of_pods = {"job.yaml": job_text(spec), **files}
    ours = build(target_of(spec, run=run, files=files_of_pods, namespace=spec.kubernetes.namespace))
    assert objects(chart, from_job(spec, files)) == list(ours)


@pytest.mark.parametrize("path", sorted((ROOT / "jobs").glob("*/job.yaml")), ids=lambda path: path.parent.name)
def test_shipped_jobs(chart, path):
    """The shipped jobs come out of the chart as they stand in manifests/, their names aside."""
    name = path.parent.name
    spec = load_job(path, settings_of(path.parent, SHIPPED[name][1]))
    made = objects(chart, helm_values(spec, path.parent, VERSION))
    shipped = (ROOT / FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    named = re.sub(rf"(name|ftorch.dev/run): {name}$", rf"\1: {name}-r1", shipped, flags=re.MULTILINE)
    for ours, theirs in zip(yaml.safe_load_all(named), made, strict=True):
        # The name of the job itself is a label and stays.
        assert msgspec.json.encode(ours, order="sorted").replace(b"-r1", b"") == msgspec.json.encode(
            theirs, order="sorted"
        ).replace(b"-r1", b"")


def test_a_job_file_made_from_values(chart):
    """Values that a user wrote, with numbers and units of their own, give a job file that reads as that job."""
    job = PLAIN | {"with": {"size": 4_000_000, "share": 0.25, "word": "a<b"}, "retry": {"backoff": 2, "attempts": 3}}
    config_map, _ = objects(chart, job | {"files": CODE})
    spec = load_job_text(yaml.safe_dump({key: value for key, value in job.items() if key != "kubernetes"}))
    made = load_job_text(config_map["data"]["job.yaml"])
    assert made.arguments == job["with"]
    assert made.retry == spec.retry
    assert (made.kubernetes.nodes, made.kubernetes.shards) == (2, 4)


@pytest.mark.parametrize(
    ("field", "value", "place", "want"),
    [
        ("memory", 1_073_741_824, ("resources", "limits", "memory"), "1073741824"),
        ("cpu", 2.5, ("resources", "requests", "cpu"), "2.5"),
        ("cpu", 16, ("resources", "requests", "cpu"), "16"),
    ],
)
def test_numbers_as_users_write_them(chart, field, value, place, want):
    """A bare number of bytes or CPUs comes out as it was written, not in powers of ten."""
    values = PLAIN | {"kubernetes": PLAIN["kubernetes"] | {field: value}, "files": CODE}
    found = objects(chart, values)[1]["spec"]["template"]["spec"]["containers"][0]
    for step in place:
        found = found[step]
    assert found == want


@pytest.mark.parametrize(
    ("ttl", "seconds"), [("1.5h", 5400), ("0.1h", 360), (90, 90), ("1500ms", 2), (1_000_000, 1_000_000)]
)
def test_lengths_of_time(chart, ttl, seconds):
    """Lengths of time are whole seconds in the Job, rounded up, however they are written."""
    values = PLAIN | {"kubernetes": PLAIN["kubernetes"] | {"ttl": ttl}, "files": CODE}
    assert objects(chart, values)[1]["spec"]["ttlSecondsAfterFinished"] == seconds


def test_schema_is_made_from_the_spec():
    """values.schema.json is what the job file's model gives now."""
    assert (ROOT / CHART / SCHEMA).read_text(encoding="utf-8") == chart_schema_text(), "make manifests"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tsak": "a:b"}, "tsak"),
        ({"kubernetes": {"nodes": "four"}}, "/kubernetes/nodes"),
        ({"kubernetes": {"node": 4}}, "node"),
        ({"input": {}}, "/input"),
        ({"schedule": {}}, "cron"),
        ({"persistence": {"create": 1}}, "/persistence/create"),
    ],
)
def test_wrong_values_are_refused(chart, change, said):
    """A value of another type, an unknown key and a missing one are refused with the place, before anything is made."""
    with pytest.raises(helm_python.HelmValuesError) as caught:
        chart.validate_schema(PLAIN | change)
    assert said in str(caught.value)


def test_right_values_are_taken(chart):
    """The values of ci/ and those of a job are valid."""
    for values in [*map(values_of, CI), PLAIN, from_job(spec_of(), CODE)]:
        chart.validate_schema(values)


def test_golden_output():
    """What the chart makes of ci/ is what was looked at and kept."""
    made = dict(golden(ROOT))
    assert sorted(made) == sorted(path.name for path in (ROOT / GOLDEN).iterdir())
    for name, text in made.items():
        assert text == (ROOT / GOLDEN / name).read_text(encoding="utf-8"), f"{name} has drifted: make manifests"


def test_an_upgrade_changes_nothing_that_cannot_change(chart):
    """A new revision has a Job and a ConfigMap of a new name; under one name the server would refuse the change."""
    changed = PLAIN | {"with": {"x": 1}, "kubernetes": PLAIN["kubernetes"] | {"image": "example.org/a:2"}}
    first = objects(chart, PLAIN | {"files": CODE})
    second = objects(chart, changed | {"files": CODE}, revision=2, is_upgrade=True)
    for old, new in zip(first, second, strict=True):
        assert old["metadata"]["name"] == "squares-r1"
        assert new["metadata"]["name"] == "squares-r2"
        assert [*changed_refusals(old, new)]


def test_a_cron_job_keeps_its_name(chart):
    """A CronJob may change, so it keeps its name; its code has a name that goes with the code."""
    values = PLAIN | {"schedule": {"cron": "0 2 * * *"}, "files": CODE}
    maps, crons = zip(*(objects(chart, each, revision=n) for n, each in enumerate((values, values), 1)), strict=True)
    assert maps[0] == maps[1]
    assert crons[0] == crons[1]
    (other, _) = objects(chart, values | {"files": {"task.py": "new"}})
    assert other["metadata"]["name"] != maps[0]["metadata"]["name"]


def test_nothing_more_than_asked_for(chart):
    """Without being asked the chart makes a ConfigMap and a Job: no claim, no account, no right, no policy."""
    assert [each["kind"] for each in objects(chart, PLAIN | {"files": CODE})] == ["ConfigMap", "Job"]
    assert all("create: false" in (ROOT / CHART / "values.yaml").read_text().split(f"\n{key}:")[1] for key in OPTIONAL)


def test_submitters_may_no_more_than_they_need(chart):
    """The Role is this namespace's, without secrets, exec, or a wildcard."""
    made = {each["kind"]: each for each in objects(chart, values_of(ROOT / CHART / "ci/everything-values.yaml"))}
    rules = made["Role"]["rules"]
    assert {resource for rule in rules for resource in rule["resources"]} == {
        "jobs",
        "cronjobs",
        "configmaps",
        "pods",
        "events",
        "pods/log",
    }
    assert "*" not in {word for rule in rules for words in rule.values() for word in words}
    assert made["ServiceAccount"]["automountServiceAccountToken"] is False


@pytest.mark.parametrize(
    ("values", "said"), [({}, "-r1 is in /data/runs/"), ({"schedule": {"cron": "0 2 * * *"}}, "runs at")]
)
def test_notes_tell_the_next_command(chart, values, said):
    """The notes say where the run is and what to type next."""
    notes = chart.render(PLAIN | {"files": CODE} | values, name="rel", namespace="space")["ftorch/templates/NOTES.txt"]
    assert said in notes
    assert "kubectl -n space " in notes
    assert "--on kubernetes" in notes


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (PLAIN | {"kubernetes": {}}, "kubernetes.image: the image that the pods run"),
        (
            PLAIN | {"kubernetes": {"image": "a"}, "persistence": {"create": True}},
            "kubernetes.volume: the claim that persistence.create makes",
        ),
        (
            PLAIN | {"files": CODE, "pod_monitor": {"create": True}},
            "pod_monitor.create needs kubernetes.metrics",
        ),
    ],
)
def test_what_is_missing_is_named(chart, values, said):
    """What the chart cannot do without is asked for by its field."""
    with pytest.raises(helm_python.HelmError, match=re.escape(said)):
        chart.render(values, name="rel", namespace="default")


def test_the_network_policy_lets_metrics_in(chart):
    """Where the pods serve metrics, that port alone may be reached; else none."""
    values = PLAIN | {"files": CODE, "network_policy": {"create": True}}

    def ingress(values):
        made = chart.render(values, name="rel", namespace="default")
        text = next(text for name, text in made.items() if name.endswith("networkpolicy.yaml"))
        return yaml.safe_load(text)["spec"]["ingress"]

    assert ingress(values) == []
    served = values | {"kubernetes": PLAIN["kubernetes"] | {"metrics": 9095}}
    assert ingress(served) == [{"ports": [{"protocol": "TCP", "port": 9095}]}]
