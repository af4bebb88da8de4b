"""What the image is for: the shipped jobs, an Indexed Job on a shared folder, and an item that is too much for it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.errors import RESUMABLE, TOO_MANY_FAILED
from tests.command import ROOT, Place
from tests.image.conftest import IMAGE, RESTRICTED
from tests.image.sharing import SOMEONE, Mailbox, own

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.usefixtures("image")]

GREEDY = """
import mmap
def f(n):
    if n == 300:
        block = mmap.mmap(-1, 1 << 30)
        block.write(b"x" * (1 << 30))
    return n
"""
KILLED = 137
SHARDS = 3
ITEMS = 3000
# Told by each process once, that it is at work; then slow until the word to hurry, so that all meet in the middle.
SHARDED = r"""
import os
import select

told = []

def f(n):
    if not told:
        told.append(True)
        with open("/shared/mailbox", "w") as box:
            box.write(os.environ["CALLED"] + "\n")
    if not os.path.exists("/shared/hurry"):
        select.select([], [], [], 0.2)
    return n * n % 1009
"""


def files(folder: Path) -> dict[str, bytes]:
    """What is in the files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["columns", "hashing", "sums", "textnorm", "thumbnails", "wordcount"])
def test_a_shipped_job_gives_what_it_gives_here(containers, tmp_path, name):
    """Each of the shipped jobs, with the extras it takes, has the same output in the image as outside of it."""
    made_here = shutil.ignore_patterns("data", "out", "__pycache__", ".ftorch")
    here = Place(shutil.copytree(ROOT / "jobs" / name, tmp_path / name, ignore=made_here))
    if (here / "make_input.py").exists():
        script = [sys.executable, here / "make_input.py", "--size", "small"]
        subprocess.run(script, check=True, capture_output=True, timeout=60)
    there = Place(shutil.copytree(here.path, tmp_path / "there"))
    here.ftorch("submit", "job.yaml", "--quiet").expect(0)
    own(there.path)
    options = (f"--user={SOMEONE}:{SOMEONE}", f"--volume={there.path}:/jobs")
    containers.ftorch("submit", "/jobs/job.yaml", "--quiet", options=options)
    wanted = files(here / "out")
    assert wanted
    assert files(there / "out") == wanted


@pytest.mark.parametrize(("failures", "code"), [({"max_failed": 1}, 0), (None, TOO_MANY_FAILED)])
def test_an_item_that_the_kernel_kills_for_memory_is_quarantined(containers, place, failures, code):
    """An item over the container's memory limit is set aside, all others are done, and the policy decides the code."""
    place.job(GREEDY, input={"range": {"stop": 1000}}, failures=failures)
    own(place.path)
    limits = ("--memory=256m", "--memory-swap=256m", f"--user={SOMEONE}:{SOMEONE}", f"--volume={place.path}:/jobs")
    command = ("submit", "/jobs/job.yaml", "--run", "/jobs/run", "--quiet")
    containers.ftorch(*command, options=limits, expect=code)
    (failure,) = place.records("run/failures.jsonl")
    assert (failure["key"], failure["type"]) == (300, "Crash")
    assert "SIGKILL" in failure["error"]
    status = json.loads(containers.ftorch("status", "/jobs/run", "--json", options=limits))
    assert (status["items"], status["failed"]) == (1000, 1)
    assert place.results() == [n for n in range(1000) if n != 300]


class Pods:
    """The containers of an Indexed Job, by a name for each."""

    def __init__(self, containers, folder):
        self.containers = containers
        self.folder = folder
        self.started = {}

    def start(self, name, index):
        """Start a container of an index."""
        options = (
            "--detach",
            f"--user={SOMEONE}:{SOMEONE}",
            f"--volume={self.folder}:/shared",
            f"--env=JOB_COMPLETION_INDEX={index}",
            f"--env=CALLED={name}",
            f"--hostname=pod-{name}",
        )
        command = ("submit", "/shared/job.yaml", "--run", "/shared/runs/x", "--shard", "auto", "--quiet")
        self.started[name] = self.containers.run("podman", "run", *RESTRICTED, *options, IMAGE, *command).strip()

    def kill(self, name):
        """End a container as a node's failure does."""
        self.containers.run("podman", "kill", "--signal=KILL", self.started[name])

    def end(self, name):
        """Wait for a container; its exit code and what it said."""
        code = int(self.containers.run("podman", "wait", self.started[name]))
        logs = subprocess.run(
            ["podman", "logs", self.started[name]],
            check=True,
            env=self.containers.environment,
            capture_output=True,
            text=True,
        )
        assert "Traceback" not in logs.stderr, logs.stderr
        return code, logs.stderr


@pytest.fixture
def pods(containers, place):
    """Containers that share a folder; none is left."""
    pods = Pods(containers, place.path)
    yield pods
    command = ["podman", "rm", "--force", "--time=0", *pods.started.values()]
    subprocess.run(command, env=containers.environment, check=False, timeout=90, capture_output=True)


def test_an_indexed_job_of_containers(containers, place, pods):
    """One killed and started again, an index there twice at once: the older is fenced, and the result is right."""
    place.job(
        SHARDED,
        input={"range": {"stop": ITEMS}},
        output={"path": "out.jsonl"},
        kubernetes={"nodes": 2, "shards": SHARDS},
    )
    with Mailbox(place / "mailbox") as mailbox:
        own(place.path)
        for name, index in (("first", 0), ("older", 1), ("last", 2)):
            pods.start(name, index)
        mailbox.await_words({"first", "older", "last"})
        pods.start("newer", 1)
        mailbox.await_words({"newer"})
        pods.kill("first")
        assert pods.end("first")[0] == KILLED
        assert not (place / "out.jsonl").exists()
        pods.start("again", 0)
        mailbox.await_words({"again"})
        place.write("hurry", "")
        code, said = pods.end("older")
        assert code == RESUMABLE, said
        assert "taken over" in said
        assert [pods.end(name)[0] for name in ("newer", "last", "again")] == [0, 0, 0]
    assert place.results() == [n * n % 1009 for n in range(ITEMS)]
    options = (f"--user={SOMEONE}:{SOMEONE}", f"--volume={place.path}:/shared")
    status = json.loads(containers.ftorch("status", "/shared/runs/x", "--json", options=options))
    assert (status["state"], status["items"], status["settled_shards"]) == ("done", ITEMS, SHARDS)
    # Its shard is settled: one more pod of it has nothing to do.
    before = (place / "out.jsonl").stat()
    pods.start("late", 0)
    assert pods.end("late")[0] == 0
    assert (place / "out.jsonl").stat() == before
