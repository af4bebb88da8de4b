"""A run is gone on with only by the job and the code that began it."""

import msgspec
import pytest

from orchestrator.engine.changes import changed_fields, check_unchanged
from orchestrator.errors import RunConflict
from orchestrator.run.folder import Manifest, raw_job
from orchestrator.spec.load import load_job_text
from orchestrator.spec.model import JobSpec

JOB = """
apiVersion: ftorch/v1
kind: Job
name: sums
task: ./task.py:run
with: {work: 3}
input: {range: {stop: 10}}
output: {path: out.jsonl}
"""


def job(*overrides: str) -> JobSpec:
    """The job, changed by `--set`."""
    return load_job_text(JOB, overrides=overrides)


def manifest() -> Manifest:
    """How the run was begun."""
    return Manifest(
        id="sums-1",
        job=raw_job(job()),
        base="/somewhere",
        job_file="/somewhere/job.yaml",
        task_fingerprint="abc",
        output_format="jsonl",
        limit=None,
        created=0.0,
        versions={},
    )


def test_the_same_job():
    """Nothing changed, nothing is refused; the manifest's own trip through JSON changes nothing either."""
    stored = msgspec.json.decode(msgspec.json.encode(manifest()), type=Manifest)
    assert changed_fields(stored, job()) == []
    check_unchanged(stored, job(), "abc")


@pytest.mark.parametrize(
    ("override", "name"),
    [
        ("task=./task.py:other", "task"),
        ("with.work=4", "with"),
        ("input.range.stop=11", "input"),
        ("output.keys=false", "output"),
    ],
)
def test_what_decides_results(override, name):
    """A change of what decides the results is refused, by its name in the job file."""
    with pytest.raises(RunConflict, match="has changed: ") as refused:
        check_unchanged(manifest(), job(override), "abc")
    assert refused.value.message.endswith(f": {name}")
    assert "--accept-changes" in refused.value.hint


@pytest.mark.parametrize(
    "override",
    [
        "resources.threads=3",
        "retry.attempts=9",
        "timeout.item=5s",
        "failures.max_failed=3%",
        "runtime.gc=off",
        "name=x",
    ],
)
def test_what_decides_no_result(override):
    """Threads, retries, limits of time and of failures, and the name may be another when a run goes on."""
    check_unchanged(manifest(), job(override), "abc")


def test_changed_code():
    """Other code is refused, and so named."""
    with pytest.raises(RunConflict, match=r"the code of \./task\.py:run"):
        check_unchanged(manifest(), job(), "abd")


def test_every_change_is_told_at_once():
    """Several changes are told in one error."""
    with pytest.raises(RunConflict, match=r"has changed: with, input, the code of"):
        check_unchanged(manifest(), job("with.work=4", "input.range.stop=11"), "abd")
