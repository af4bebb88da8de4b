"""An Indexed Job as processes that share a folder, some of them killed, some there twice."""

import json
import random
import shutil

import pytest

from tests.command import finish
from tests.faults.counting import Count
from tests.faults.jobs import ITEMS, KINDS
from tests.faults.pods import SHARDS, PlayedJob
from tests.faults.sittings import Trouble

CLUSTER = {"nodes": 2, "shards": SHARDS}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_a_job_of_killed_processes_gives_what_it_should(
    kind: str, rounds: int, lengths: dict[str, float], trouble: Trouble, count: Count
):
    """Killed and stopped at random, started again, an index there twice: the result is right, nothing lost or twice."""
    chance = random.Random(f"pods {kind}")
    for number in range(max(2, rounds // 10)):
        place = PlayedJob(trouble.path / str(number))
        place.path.mkdir()
        KINDS[kind].write(place, kubernetes=CLUSTER)
        landed = place.play(chance, 3, 2 * lengths[kind])
        count.check(KINDS[kind].found(place), KINDS[kind].expected(range(ITEMS)), landed, ITEMS)
        assert place.ftorch("status", place.run, "--json").expect(0).json()["state"] == "done"
        shutil.rmtree(place.path)


@pytest.fixture
def job(trouble: Trouble) -> PlayedJob:
    """A place for a job of three shards."""
    return PlayedJob(trouble.path)


def _all(job: PlayedJob, code: int = 0) -> None:
    for index in range(SHARDS):
        finish(job.pod(index)).expect(code)


def test_a_job_from_its_first_process_to_its_report(job: PlayedJob):
    """Each process does its shard and leaves a summary; the last publishes; then there is nothing more to do."""
    job.job(kubernetes=CLUSTER)
    for index in range(SHARDS):
        assert not (job / "out.jsonl").exists()
        finish(job.pod(index)).expect(0)
        found = job.summary(index)
        assert (found["run"], found["shard"], found["exit_code"]) == ("run", index, 0)
        assert found["items"] == (3, 3, 4)[index]
    assert job.results() == [n * n for n in range(10)]
    before = (job / "out.jsonl").stat()
    finish(job.pod(1)).expect(0)
    assert (job / "out.jsonl").stat() == before
    status = job.ftorch("status", job.run, "--json").expect(0).json()
    assert (status["state"], status["items"], status["shards"], status["settled_shards"]) == ("done", 10, 3, 3)
    report = job.ftorch("report", job.run, "--json", "--price", "1").expect(0).json()
    assert (report["state"], report["cluster"]["items"], len(report["cluster"]["rows"])) == ("done", 10, 3)
    assert "SHARD" in job.ftorch("report", job.run).expect(0).out


def test_what_a_shard_lacks_is_done_and_collected_from_outside(job: PlayedJob):
    """A run whose other shards nobody does is not collected; --resume does them and publishes, and so does collect."""
    job.job(kubernetes=CLUSTER)
    finish(job.pod(1)).expect(0)
    job.ftorch("collect", job.run).expect(2, "items are missing in 2 of 3 shards (0, 2)")
    status = job.ftorch("status", job.run, "--json").expect(0).json()
    assert (status["state"], status["items"], status["settled_shards"]) == ("interrupted", 3, 1)
    assert job.submit("--run", job.run, "--resume")["items"] == 10
    assert job.results() == [n * n for n in range(10)]
    (job / "out.jsonl").unlink()
    job.ftorch("collect", job.run).expect(0)
    assert job.results() == [n * n for n in range(10)]


FLAKY = """
from pathlib import Path
def f(n):
    if n in (1, 8) and not Path(__file__).with_name("healed").exists():
        raise ValueError(f"no {n}")
    return n * n
"""


def test_failed_items_of_all_shards_are_done_again(job: PlayedJob):
    """Failures count over the whole job; --retry-failed does again what failed in any shard."""
    job.job(FLAKY, kubernetes=CLUSTER, failures={"max_failed": 1}, retry={"attempts": 1})
    assert [finish(job.pod(index)).code for index in range(SHARDS)] == [0, 0, 1]
    assert job.summary(2)["failed"] == 1
    assert "2 items failed" in job.summary(2)["message"]
    assert len(job.records()) == 8
    assert json.loads((job.run / "report.json").read_text())["failed"] == 2
    job.write("healed", "")
    again = job.ftorch("submit", "--retry-failed", job.run, "--json").expect(0).json()
    assert (again["state"], again["items"], again["failed"]) == ("done", 10, 0)
    assert job.results() == [n * n for n in range(10)]


@pytest.mark.parametrize(
    ("index", "options", "told"),
    [
        ("3", (), "there is no shard 3"),
        ("", (), "JOB_COMPLETION_INDEX is not set"),
        ("x", (), "JOB_COMPLETION_INDEX is 'x'"),
        ("0", ("--set", "task=./task.py:g"), "'g'"),
    ],
)
def test_what_is_wrong_is_told_to_kubernetes_too(job: PlayedJob, index: str, options: tuple[str, ...], told: str):
    """A wrong index or job ends with 2, one clear message, the same in the summary, and nothing written."""
    job.job(kubernetes=CLUSTER)
    finish(job.pod(0, *options, env={"JOB_COMPLETION_INDEX": index})).expect(2, told)
    found = job.summary(0)
    assert found["exit_code"] == 2
    assert told in found["message"]
    assert not job.run.exists()


def test_a_worker_that_dies_for_good_is_told(job: PlayedJob):
    """A process that gives up ends with 128 and the signal, and says so; the others do their shards."""
    job.job(
        "import os\ndef f(n):\n    if n < 3: os.kill(os.getpid(), 11)\n    return n * n\n",
        kubernetes=CLUSTER,
        failures={"max_crashes": 0},
    )
    assert finish(job.pod(0)).code == 139
    assert (job.summary(0)["exit_code"], job.summary(0)["restarts"]) == (139, 1)
    finish(job.pod(1)).expect(0)
