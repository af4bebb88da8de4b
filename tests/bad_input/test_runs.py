"""Run folders that are missing, damaged or somebody else's, and runs that were stopped."""

import os
import select
import signal
from pathlib import Path

import pytest

from tests.command import Place, finish

# Item 40 says that it runs, and then waits for ever, unless the gate is gone: a resumed run passes.
GATED = """
from pathlib import Path

def f(n, gate):
    if n >= 40 and Path(gate).exists():
        Path(gate, "reached").open("w").close()
        Path(gate, "never").open("rb").close()
    return n * n
"""
# Item 40 says that it runs; every item takes a while, so that a stop meets items that can be finished.
SLOW = """
from pathlib import Path

def f(n, gate):
    if n == 40 and Path(gate).exists():
        Path(gate, "reached").open("w").close()
    return n * n + 0 * sum(range(400_000))
"""


def gated(place: Place, source: str, **fields: object) -> Path:
    """Write the job, with the gate that tells when item 40 runs."""
    gate = place / "gate"
    gate.mkdir()
    os.mkfifo(gate / "reached")
    os.mkfifo(gate / "never")
    place.job(source, **{"input": {"range": {"stop": 300}}, "with": {"gate": str(gate)}, **fields})
    return gate


def open_gate(gate: Path) -> None:
    """Let every item pass."""
    gate.rename(gate.with_name("gone"))


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGHUP])
def test_a_run_that_is_stopped_and_resumed(place: Place, number: signal.Signals):
    """A run that a signal stops ends with exit 75 and what to do; resumed, it gives what an undisturbed run gives."""
    gate = gated(place, SLOW)
    process = place.popen("submit", "job.yaml")
    (gate / "reached").open("rb").close()
    process.send_signal(number)
    stopped = finish(process).expect(75)
    assert "interrupted (stopped by SIG" in stopped.out
    assert "--resume" in stopped.out
    assert not (place / "out.jsonl").exists()
    status = place.ftorch("status", "--json").expect(0).json()
    assert status["state"] == "interrupted"
    assert 0 < status["items"] < 300
    open_gate(gate)
    report = place.submit("--resume")
    assert (report["state"], report["items"]) == ("done", 300)
    assert place.results() == [n * n for n in range(300)]
    assert [record["key"] for record in place.records()] == list(range(300))


def test_items_that_do_not_end_are_given_up_at_a_stop(place: Place):
    """Items that outlast the grace period are left for the next sitting, which does them."""
    gate = gated(place, GATED, timeout={"grace": "100ms"}, resources={"threads": 1})
    process = place.popen("submit", "job.yaml", "-q")
    (gate / "reached").open("rb").close()
    process.send_signal(signal.SIGTERM)
    finish(process).expect(75, "--resume")
    open_gate(gate)
    place.submit("--resume")
    assert place.results() == [n * n for n in range(300)]


def test_a_second_signal_ends_the_run_now(place: Place):
    """A second Ctrl-C does not wait for items that run, and leaves the run resumable."""
    gate = gated(place, GATED, timeout={"grace": "1h"}, resources={"threads": 1})
    process = place.popen("submit", "job.yaml", "-q")
    (gate / "reached").open("rb").close()
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    finish(process).expect(75)
    open_gate(gate)
    place.submit("--resume")
    assert place.results() == [n * n for n in range(300)]


def test_a_run_whose_command_was_killed(place: Place):
    """After kill -9 the status says interrupted, and resuming gives what an undisturbed run gives."""
    gate = gated(place, GATED, resources={"threads": 1})
    process = place.popen("submit", "job.yaml", "-q")
    (gate / "reached").open("rb").close()
    running = place.ftorch("status", "--json").expect(0).json()
    assert running["state"] == "running"
    assert running["live"]["items"] >= 40
    assert running["live"]["threads"] == running["live"]["busy"] == 1
    assert "40" in place.ftorch("status").expect(0).out
    worker = os.pidfd_open(running["owner"]["pid"])
    process.kill()
    assert finish(process).code == -signal.SIGKILL
    signal_of_end(worker)
    said = place.ftorch("status").expect(0).out
    assert ": interrupted\n" in said
    assert f"ftorch submit --run {place.runs()[0]} --resume" in said
    open_gate(gate)
    place.ftorch("submit", "--run", place.runs()[0], "--resume", "-q").expect(0)
    assert place.results() == [n * n for n in range(300)]


def signal_of_end(process: int) -> None:
    """Wait until a process, given by its pidfd, has ended."""
    try:
        assert select.select([process], [], [], 60)[0], "the worker outlived its supervisor"
    finally:
        os.close(process)


def test_going_on_where_there_is_nothing_to_go_on_with(place: Place):
    """--resume without an unfinished run, and a RUN that is none, are errors that write nothing."""
    place.job()
    before = place.listing()
    place.ftorch("submit", "job.yaml", "--resume").expect(2, "no unfinished run of 'place'", "ftorch runs")
    place.ftorch("submit", "--run", "nowhere", "--resume").expect(2, "nowhere: there is no run in this folder")
    place.ftorch("submit", "--retry-failed", "nowhere").expect(2, "nowhere: there is no run of that name")
    place.ftorch("status").expect(2, "there is no run here")
    assert place.listing() == before


def test_a_run_that_is_finished(place: Place):
    """A finished run is not begun again; going on with it, or retrying no failures, publishes the same."""
    place.job()
    place.submit("--run", "run")
    first = (place / "out.jsonl").read_bytes()
    place.ftorch("submit", "job.yaml", "--run", "run", "--set", "output.overwrite=true").expect(2, "--resume")
    place.ftorch("submit", "--retry-failed", "run", "-q").expect(0)
    place.ftorch("submit", "--run", "run", "--resume", "-q").expect(0)
    assert (place / "out.jsonl").read_bytes() == first


def test_a_run_of_other_code(place: Place):
    """A run is not gone on with by other code or another job, unless that is accepted."""
    fail = "def f(n):\n    sum(range(20_000))\n    raise ValueError(n)\n"
    many = {"range": {"stop": 4000}}
    place.job(fail, input=many, failures={"policy": "stop"}, retry={"attempts": 1}, resources={"threads": 1})
    place.ftorch("submit", "job.yaml", "-q").expect(1, "failures.policy is stop")
    place.write("task.py", "def f(n):\n    return -n\n")
    place.ftorch("submit", "job.yaml", "--resume").expect(2, "the code of ./task.py:f", "--accept-changes")
    place.ftorch("submit", "job.yaml", "--resume", "--set", "input.range.stop=3").expect(2, "input")
    place.ftorch("submit", "--retry-failed", place.runs()[0], "-q").expect(0)
    assert place.results() == [-n for n in range(4000)]


@pytest.mark.parametrize(
    ("pattern", "content"),
    [
        ("job.json", b"{"),
        pytest.param("plan/index.json", b"[]", marks=pytest.mark.slow),
        ("plan/*-*", b"\xc1"),
        pytest.param("shards/0/commits/*", b"{}", marks=pytest.mark.slow),
        ("shards/0/parts/*", None),
    ],
    ids=["manifest", "index", "plan", "commit", "part"],
)
def test_a_damaged_run(place: Place, pattern: str, content: bytes | None):
    """A damaged file of a run is named, the output that was published stays, and resuming mends it or says why not."""
    place.job()
    place.submit("--run", "run")
    first = (place / "out.jsonl").read_bytes()
    damaged = next((place / "run").glob(pattern))
    content = damaged.read_bytes() if content is None else content
    damaged.write_bytes(content[: len(content) // 2] + b"?" + content[len(content) // 2 + 1 :])
    if not pattern.startswith("plan/*"):  # collecting needs the index alone
        assert place.ftorch("collect", "run").expect(2, "ftorch: ", damaged.name).out == ""
    resumed = place.ftorch("submit", "--run", "run", "--resume", "-q")
    assert resumed.code in (0, 2)
    assert "Traceback" not in resumed.err
    assert (place / "out.jsonl").read_bytes() == first
