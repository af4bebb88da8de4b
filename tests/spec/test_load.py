"""From files to jobs and back: reading, naming, defaults, the run folder's form."""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from orchestrator.errors import JobFileError, OutputError
from orchestrator.spec.load import dump_job, load_job, load_job_text, parse_job
from orchestrator.spec.model import JobSpec, Output
from orchestrator.spec.rules import resolve_output_format, rule_problems
from orchestrator.spec.units import Duration, Share, Size

TESTDATA = Path(__file__).parent.parent / "testdata" / "spec"
JOB = "task: a:b\ninput: {range: {stop: 9}}\n"


def message_of(path, *overrides):
    """What the user reads about a job file that is refused."""
    with pytest.raises(JobFileError) as caught:
        load_job(path, overrides)
    return str(caught.value)


def test_the_design_s_example():
    """The example of the design document is a job, with the values it says."""
    spec = load_job(TESTDATA / "design.yaml")
    assert spec.name == "hash-photos"
    assert spec.arguments == {"algorithm": "sha256"}
    assert spec.input.files is not None
    assert spec.input.files.include == ["**/*.jpg"]
    assert spec.resources.memory == Size(2 << 30)
    assert spec.failures.max_failed == Share.of_percent(1)
    assert (spec.timeout.item, spec.timeout.job) == (Duration(60), Duration(7200))
    assert (spec.kubernetes.nodes, spec.kubernetes.shards) == (4, 64)
    assert spec.schedule is not None
    assert spec.schedule.concurrency == "Forbid"


def test_defaults():
    """A task and an input are a job; everything else is what the model says."""
    spec = load_job_text(JOB)
    assert spec == JobSpec(task="a:b", input=spec.input)
    assert spec.retry.backoff == Duration(1)
    assert spec.output.part_size == Size(256 << 20)
    assert rule_problems(spec) == []


def test_everything():
    """Lists, aliases, comments, empty sections and fractions come out as plain values of the right types."""
    spec = load_job(TESTDATA / "everything.yaml")
    assert spec.arguments["again"] == spec.arguments["names"] == ["a", "b", "c: d"]
    assert spec.arguments["nested"] == {"deep": {"deeper": [1, 2.5, True, None, "x"]}}
    assert spec.resources.memory == Size(3 << 29)
    assert spec.retry.max_backoff == Duration(2)
    assert spec.failures.max_failed == Share.of_count(25)
    assert spec.measure.scaling == "off"


@pytest.mark.parametrize("name", ["design.yaml", "everything.yaml", "hashing.yaml"])
def test_run_folder_form(name):
    """A job written for the run folder is JSON, reads as an equal job, and is written as the same bytes again."""
    spec = load_job(TESTDATA / name)
    data = dump_job(spec)
    assert json.loads(data)["with"] == spec.arguments
    assert parse_job(data) == spec
    assert dump_job(parse_job(data)) == data


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[", b"\xff", b'{"task": "a:b", "input": {}, "new": 1}', b"[" * 10_000, b'{"task": "\\ud800"}'],
)
def test_run_folder_form_damaged(data):
    """Bytes that are no job, or are another version's, are refused as such."""
    with pytest.raises(JobFileError, match="this is not a job as ftorch writes it"):
        parse_job(data)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("hashing/job.yaml", "hashing"),
        ("My Photos (2)/job.yaml", "my-photos-2"),
        ("x/nightly_hash.yaml", "nightly-hash"),
        ("日本/job.yaml", "job"),
        ("日本/写真.yaml", "job"),
        ("x" * 70 + "/job.yaml", "x" * 52),
        ("Fotos für Jörg/job.yaml", "fotos-fur-jorg"),
        ("x" * 51 + "-y/job.yaml", "x" * 51),
    ],
)
def test_name_of_the_file(tmp_path, path, name):
    """Without a name, job.yaml is called as its folder is, and any other file as itself."""
    file = tmp_path / path
    file.parent.mkdir()
    file.write_text(JOB)
    assert load_job(file).name == name


def test_name_in_the_working_folder(tmp_path, monkeypatch):
    """A bare job.yaml still knows its folder."""
    (tmp_path / "sums").mkdir()
    (tmp_path / "sums" / "job.yaml").write_text(JOB)
    monkeypatch.chdir(tmp_path / "sums")
    assert load_job("job.yaml").name == "sums"


def test_files_that_cannot_be_read(tmp_path):
    """What is no readable file is refused by its name."""
    missing = tmp_path / "none.yaml"
    assert message_of(missing) == f"{missing}: there is no such file\n  `ftorch init` writes a job file."
    assert message_of(tmp_path) == f"{tmp_path}: found a folder, expected a job file"
    (tmp_path / "job.yaml").write_text(JOB)
    hint = f"Did you mean {tmp_path / 'job.yaml'}?"
    assert message_of(tmp_path) == f"{tmp_path}: found a folder, expected a job file\n  {hint}"
    (tmp_path / "task.py").write_text("def f(x): return x\n")
    found = f"{tmp_path / 'task.py'}: found a Python file, expected a job file"
    assert message_of(tmp_path / "task.py") == f"{found}\n  {hint}"
    (tmp_path / "job.yaml").rename(tmp_path / "other.yaml")
    init = "`ftorch init` writes a job file, which names a function of it: task: ./task.py:function"
    assert message_of(tmp_path / "task.py") == f"{found}\n  {init}"
    assert message_of(tmp_path / "other.yaml" / "x").endswith("the file cannot be read: Not a directory")
    assert message_of("a\0b").endswith("the file cannot be read: embedded null byte")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert message_of(loop) == f"{loop}: the file cannot be read: Too many levels of symbolic links"


def test_bytes_that_are_no_job(tmp_path):
    """Binary data and endless devices are refused; nothing is read without bound."""
    file = tmp_path / "job.yaml"
    file.write_bytes(bytes(range(256)))
    assert message_of(file).startswith(f"{file}:2:118: found the byte 0x80, which is not UTF-8")
    assert message_of("/dev/zero") == "/dev/zero: the file is larger than 1 MiB, the limit for a job file"
    assert message_of(os.devnull).startswith("/dev/null: the job file is empty")


@pytest.mark.parametrize(
    ("output", "is_fold", "written"),
    [
        (Output(), False, "jsonl"),
        (Output(), True, "json"),
        (Output(path="a.jsonl"), False, "jsonl"),
        (Output(path="a.NDJSON"), False, "jsonl"),
        (Output(path="x.y/a.csv"), False, "csv"),
        (Output(path="a.txt"), False, "text"),
        (Output(path="a.sha256"), False, "text"),
        (Output(path="a.json"), True, "json"),
        (Output(path="a", format="json"), True, "json"),
        (Output(path="a.csv", format="jsonl"), False, "jsonl"),
        (Output(path="out/", format="csv"), False, "csv"),
        (Output(format="none"), False, "none"),
        (Output(format="none"), True, "none"),
    ],
)
def test_formats(output, is_fold, written):
    """The named format counts, then the suffix; a fold is JSON."""
    assert resolve_output_format(output, is_fold) == written


@pytest.mark.parametrize(
    ("output", "is_fold", "message"),
    [
        (Output(path="a.json"), False, "output.path: found the format json, which holds one value"),
        (Output(format="json"), False, "output.format: found the format json, which holds one value"),
        (Output(path="a.csv"), True, "output.path: found the format csv, expected json: a fold has one result"),
        (Output(path="a.x"), False, "output.path: found the suffix .x, expected one of"),
        (Output(path="a/"), True, 'output.path: found the folder "a/" and no format'),
    ],
)
def test_formats_that_do_not_fit(output, is_fold, message):
    """A format that cannot be told, or does not fit the task, is refused by the field."""
    with pytest.raises(OutputError) as caught:
        resolve_output_format(output, is_fold)
    assert str(caught.value).startswith(message)


def test_jobs_are_frozen():
    """A job cannot be changed once it is read."""
    spec = load_job_text(JOB)
    with pytest.raises(AttributeError):
        spec.name = "x"
    assert msgspec.structs.replace(spec, name="x").name == "x"


def test_import_is_light_and_keeps_the_gil_off():
    """Reading a job loads nothing slow, and a worker that only parses JSON loads no YAML; the GIL stays off."""
    program = (
        "import sys; from orchestrator.spec.load import parse_job, load_job_text;"
        "heavy = {'yaml', 'zoneinfo', 'difflib', 'inspect_', 'numpy', 'click', 'rich', 'asyncio'};"
        "print(sorted(heavy & set(sys.modules)));"
        "load_job_text('task: a:b\\ninput: {range: {stop: 9}}');"
        "print(sorted((heavy - {'yaml'}) & set(sys.modules)), sys._is_gil_enabled())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", f"[] {sys._is_gil_enabled()}"]
