"""The public names, used from a script."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import orchestrator
from orchestrator.errors import JobFileError

JOB = """
task: ./task.py:double
input: {range: {stop: 1000}}
output: {path: out/doubled.jsonl}
"""


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A job file that doubles a thousand numbers."""
    (tmp_path / "job.yaml").write_text(JOB)
    (tmp_path / "task.py").write_text("def double(number, factor=2):\n    return number * factor\n")
    return tmp_path / "job.yaml"


def test_submit_runs_a_job_and_gives_its_report(job: Path) -> None:
    """A job submitted from Python ends with its report, and its output is where the job file says."""
    report = orchestrator.submit(job, ["with.factor=3"])

    assert (report.state, report.items, report.failed) == ("done", 1000, 0)
    assert report.output is not None
    lines = Path(report.output.path).read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"key": n, "result": 3 * n} for n in range(1000)]


def test_submit_raises_what_the_command_would_print(job: Path) -> None:
    """A mistake in the job file is an exception, with the place in its message."""
    with pytest.raises(JobFileError, match=r"resources\.threads"):
        orchestrator.submit(job, ["resources.threads=none"])


def test_load_job_reads_a_job_file(job: Path) -> None:
    """A job file is read into the job that it says, named after its folder."""
    spec = orchestrator.load_job(job)

    assert spec.task == "./task.py:double"
    assert spec.input.range is not None
    assert spec.input.range.stop == 1000


def test_import_is_light() -> None:
    """Importing the package, as every task file does, loads neither the engine nor YAML."""
    code = "import sys, orchestrator; print([m for m in sys.modules if m in ('yaml', 'orchestrator.engine', 'rich')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
