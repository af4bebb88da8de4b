"""The image as a container engine runs it: what the container allows is what ftorch uses, and nothing is lost."""

import hashlib
import json
import os
import subprocess
import zipfile

import pytest

from orchestrator.errors import BAD_JOB, RESUMABLE
from orchestrator.version import __version__
from tests.image.conftest import IMAGE, RESTRICTED
from tests.image.sharing import SOMEONE, Mailbox, own
from tests.image.test_bill import check

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.usefixtures("image")]

SBOM = "/opt/python/share/sbom/ftorch.cdx.json"
# Slow until told to hurry, so that a signal always comes in the middle; the first item says that it has begun.
SLOW = r"""
import os
import hashlib

def f(n):
    if n == 0:
        with open("/data/mailbox", "w") as box:
            box.write("begun\n")
    if not os.path.exists("/data/hurry"):
        hashlib.pbkdf2_hmac("sha256", b"x", b"x", 50_000)
    return n
"""


def test_what_is_in_it(containers):
    """It has at most 180 MB, is labelled, runs as nobody, and holds no pip, tests, headers or apt."""
    [about] = json.loads(containers.run("podman", "image", "inspect", IMAGE))
    assert about["Size"] <= 180e6, f"{about['Size'] / 1e6:.0f} MB"
    assert (about["Config"]["User"], about["Config"]["Entrypoint"]) == ("65532:65532", ["ftorch"])
    assert about["Labels"]["org.opencontainers.image.version"] == __version__
    look = "find /opt/python -name pip -o -name test -o -name tests -o -name '*.a' -o -name '*.h'"
    within = ("podman", "run", "--rm", *RESTRICTED, "--entrypoint=sh", IMAGE, "-c")
    assert containers.run(*within, look) == ""
    assert containers.run(*within, "find /usr -name 'apt*' -o -name 'perl*'") == ""
    assert containers.run(*within, "python -c 'import sys; print(sys._is_gil_enabled())'") == "False\n"
    assert containers.ftorch("--version") == f"ftorch {__version__}\n"


@pytest.mark.parametrize(("cpus", "threads"), [("0.5", 1), ("1", 1), ("1.5", 1), ("2", 2)])
def test_the_quota_decides_the_threads(containers, cpus, threads):
    """As many threads as the container's quota has whole CPUs, and one at least."""
    if len(os.sched_getaffinity(0)) < threads:
        pytest.skip(f"{threads} threads take as many CPUs")
    about = json.loads(containers.ftorch("doctor", "--json", options=(f"--cpus={cpus}",)))
    assert (about["threads"]["threads"], about["host"]["quota"]["cpus"]) == (threads, float(cpus))
    assert about["backend"]["backend"] == "threads"


def test_what_doctor_advises_can_be_done(containers):
    """Doctor's advice for a quicker Python is what the user of an image can do: build it with an argument."""
    about = json.loads(containers.ftorch("doctor", "--json"))
    advice = " ".join(about["advice"])
    assert ("--build-arg FTORCH_PGO=1" in advice) is not about["host"]["interpreter"]["optimised"]
    assert "make setup" not in advice


def test_the_memory_limit_is_seen(containers):
    """The container's limit is the limit, not the host's memory."""
    about = json.loads(containers.ftorch("doctor", "--json", options=("--memory=256m",)))
    assert about["host"]["memory_limit"]["limit_bytes"] == 256 << 20


def test_a_job_on_mounted_data(containers, place):
    """Any uid, a read-only root and no capabilities: a job on mounted data is run, and its output is right."""
    place.job(
        source="import hashlib\n\ndef f(file):\n    return hashlib.sha256(open(file.path, 'rb').read()).hexdigest()\n",
        input={"files": {"root": "./in"}},
    )
    wanted = {}
    for number in range(50):
        content = os.urandom(number)
        wanted[f"{number}"] = hashlib.sha256(content).hexdigest()
        place.write(f"in/{number}", content)
    own(place.path)
    options = (f"--user={SOMEONE}:{SOMEONE}", f"--volume={place.path}:/jobs")
    containers.ftorch("submit", "/jobs/job.yaml", "--quiet", options=options)
    assert {record["key"]: record["result"] for record in place.records("out.jsonl")} == wanted
    assert (place / "out.jsonl").stat().st_uid == SOMEONE
    containers.ftorch("submit", "/jobs/none.yaml", options=options, expect=BAD_JOB)


def test_a_stop_within_the_grace_period_is_resumed(containers, place):
    """As PID 1, ftorch takes the engine's SIGTERM, ends with 75 within the grace, and goes on when started again."""
    place.job(source=SLOW, input={"range": {"stop": 4000}}, output={"path": "out.jsonl"})
    options = (f"--user={SOMEONE}:{SOMEONE}", f"--volume={place.path}:/data", "--cpus=1")
    command = ("submit", "/data/job.yaml", "--run", "/data/run")
    started = ("podman", "run", "--detach", *RESTRICTED, *options, IMAGE, *command)
    with Mailbox(place / "mailbox") as mailbox:
        own(place.path)
        container = containers.run(*started).strip()
        try:
            mailbox.await_words({"begun"})
            containers.run("podman", "stop", "--time=60", container)
            assert containers.run("podman", "wait", container).strip() == str(RESUMABLE)
        finally:
            subprocess.run(["podman", "rm", "--force", container], env=containers.environment, check=False, timeout=90)
    (place / "hurry").touch()
    containers.ftorch(*command, "--resume", "--quiet", options=options)
    assert [record["result"] for record in place.records("out.jsonl")] == list(range(4000))


def wheel(folder):
    """Put a distribution into a folder that pip can install; the hash of its archive."""
    folder.mkdir()
    about = "Metadata-Version: 2.4\nName: some-thing\nVersion: 1.0\nLicense-Expression: MIT\n"
    files = {"METADATA": about, "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n", "RECORD": ""}
    path = folder / "some_thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("some_thing.py", "")
        for name, content in files.items():
            archive.writestr(f"some_thing-1.0.dist-info/{name}", content)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_job_in_an_image_of_its_own(containers, place):
    """What `ftorch image` writes is built on it, checked while it is built, and run without arguments."""
    requirements = "--no-index\n--find-links /wheels\nclick\nsome-thing\n"
    place.job(name="squares", output=None).write("requirements.txt", requirements)
    hashed = wheel(place / "wheels")
    place.ftorch("image", ".", "--from", IMAGE).expect(0)
    volume = f"--volume={place / 'wheels'}:/wheels:ro"
    build = ("buildah", "bud", "--network=none", "--pull-never", volume, "-t", "localhost/squares", place.path)
    assert "click" in containers.run(*build)
    run = ("podman", "run", "--rm", *RESTRICTED)
    report = containers.run(*run, "localhost/squares", "plan", "/app/job.yaml")
    assert "10 items" in report
    texts = [containers.run(*run, "--entrypoint=cat", name, SBOM) for name in (IMAGE, "localhost/squares")]
    ours, bill = map(check, texts)
    assert bill["metadata"]["component"]["name"] == "squares"
    added = [one for one in bill["components"] if one not in ours["components"]]
    assert [one["name"] for one in added] == ["ftorch", "some-thing"]
    assert all(one in bill["components"] for one in ours["components"])
    assert (added[1]["licenses"], added[1]["hashes"]) == (
        [{"expression": "MIT"}],
        [{"alg": "SHA-256", "content": hashed}],
    )
    place.write("task.py", "import nothing_of_that_name\n\ndef f(n):\n    return n\n")
    containers.run(*build, expect=1)
