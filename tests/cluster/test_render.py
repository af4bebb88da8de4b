"""`ftorch render`, and manifests/ that it keeps."""

import pytest
import yaml

from orchestrator.cluster.rules import refusals
from orchestrator.errors import BAD_JOB
from tests.cluster.specs import check_schemas
from tests.command import ROOT
from tools.manifests import FOLDER, shipped

ON_CLUSTER = {"kubernetes": {"image": "example.org/a:1", "memory": "1Gi", "volume": {"claim": "data"}}, "output": None}


def test_manifests_are_what_render_writes():
    """Each file of manifests/ is what the shipped jobs render to now, and there is no other."""
    written = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / FOLDER).iterdir()}
    wanted = dict(shipped(ROOT / "jobs"))
    assert sorted(written) == sorted(wanted), "make manifests"
    for name, text in wanted.items():
        assert written[name] == text, f"{name} has drifted: make manifests"


def test_every_shipped_job_is_there():
    """Each folder of jobs/ has a manifest."""
    jobs = {path.parent.name for path in (ROOT / "jobs").glob("*/job.yaml")}
    assert jobs <= {path.stem for path in (ROOT / FOLDER).glob("*.yaml")}


@pytest.mark.parametrize("path", sorted((ROOT / FOLDER).glob("*.yaml")), ids=lambda path: path.name)
def test_manifests_are_valid(path):
    """What is shipped passes the strict schemas of every version and the server's own rules."""
    objects = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    assert len(objects) == 2
    for manifest in objects:
        assert list(refusals(manifest)) == []
        check_schemas(manifest)


def test_it_prints_what_would_be_applied(place):
    """A job is printed as its ConfigMap, with the job file and its code, and its Job; the same each time."""
    place.job(**ON_CLUSTER).write("helper.py", "X = 1\n")
    place.write("notes.txt", "not code")
    done = place.ftorch("render", "job.yaml").expect(0)
    config_map, job = yaml.safe_load_all(done.out)
    assert sorted(config_map["data"]) == ["helper.py", "job.yaml", "task.py"]
    assert (job["kind"], job["metadata"]["name"]) == ("Job", config_map["metadata"]["name"])
    assert place.ftorch("render", "job.yaml").out == done.out
    assert done.err == ""


def test_names_and_places_from_the_command_line(place):
    """The name, the namespace and fields of the job can be given with the command."""
    place.job(**ON_CLUSTER)
    done = place.ftorch("render", ".", "--name", "mine", "-n", "batch", "--set", "kubernetes.shards=3").expect(0)
    config_map, job = yaml.safe_load_all(done.out)
    for each in (config_map, job):
        assert (each["metadata"]["name"], each["metadata"]["namespace"]) == ("mine", "batch")
    assert job["spec"]["completions"] == 3


def test_it_writes_a_file(place):
    """With --out the text goes to DIR/NAME.yaml, whose folder is made."""
    place.job(name="squares", **ON_CLUSTER)
    done = place.ftorch("render", "job.yaml", "--out", "made/here").expect(0)
    assert done.out == "wrote made/here/squares.yaml\n"
    assert (place / "made/here/squares.yaml").read_text() == place.ftorch("render", "job.yaml").out


def test_a_place_that_cannot_be_written(place):
    """A folder that cannot be made is told as such, and not as a run's trouble."""
    place.job(**ON_CLUSTER).write("taken", "a file")
    place.ftorch("render", "job.yaml", "--out", "taken/below").expect(
        BAD_JOB, "it cannot be written: ", "another folder"
    )


def test_helm_values(place):
    """The chart's values are the job file's keys without defaults, and the code."""
    place.job(name="squares", **ON_CLUSTER)
    values = yaml.safe_load(place.ftorch("render", "job.yaml", "--helm-values").expect(0).out)
    assert values["name"] == "squares"
    assert values["kubernetes"] == ON_CLUSTER["kubernetes"]
    assert list(values["files"]) == ["task.py"]


def test_chosen_files(place):
    """`files` says what is brought beside the job file, folders included; hidden folders are not entered."""
    place.job(kubernetes={**ON_CLUSTER["kubernetes"], "files": ["**/*.py", "*.txt"]}, output=None)
    for name in ("lib/a.py", ".venv/b.py", "words.txt"):
        place.write(name, "")
    config_map, _ = yaml.safe_load_all(place.ftorch("render", "job.yaml").expect(0).out)
    assert sorted(config_map["data"]) == ["job.yaml", "lib..a.py", "task.py", "words.txt"]


@pytest.mark.parametrize(
    ("fields", "arguments", "said"),
    [
        ({"kubernetes": None}, (), "kubernetes.image: found nothing, expected the image that the pods run"),
        ({}, ("--kubernetes-version", "1.28"), "found Kubernetes 1.28, expected 1.33 or newer: 1.28 lacks"),
        ({}, ("--kubernetes-version", "new"), "'new' is no version; write 1.36"),
        ({}, ("--name", "Mine"), "will not able to create pod with invalid DNS label: Mine-0"),
        ({}, ("-n", "My_Space"), 'kubernetes.namespace: found the text "My_Space", expected lower-case letters'),
        ({"output": {"path": "out.jsonl"}}, (), 'output.path: found "out.jsonl", expected an absolute path or a URL'),
    ],
)
def test_bad_input(place, fields, arguments, said):
    """What cannot go to a cluster is told in one message, and nothing is printed or written."""
    place.job(**(ON_CLUSTER | fields))
    done = place.ftorch("render", "job.yaml", *arguments).expect(BAD_JOB, said)
    assert done.out == ""


def test_code_that_is_no_text(place):
    """A file that a ConfigMap cannot hold as text is named."""
    place.job(**ON_CLUSTER).write("blob.py", b"\xff\xfe")
    place.ftorch("render", "job.yaml").expect(BAD_JOB, "blob.py: the file is no UTF-8 text")


def test_too_much_code(place):
    """Code beyond a ConfigMap's limit is refused with what to do instead."""
    place.job(**ON_CLUSTER).write("big.py", "#" * 900_001)
    place.ftorch("render", "job.yaml").expect(BAD_JOB, "kubernetes.files: the code beside the job file is too large")


def test_advice_goes_to_standard_error(place):
    """Advice does not stop the job, and does not mix with what is piped to kubectl."""
    place.job(**ON_CLUSTER)
    done = place.ftorch("render", "job.yaml", "--set", "kubernetes.cpu=1.5").expect(0, "advice: kubernetes.cpu: 1500m")
    assert len(list(yaml.safe_load_all(done.out))) == 2
