"""Runs whose state, input and output are in a bucket, as a user runs them."""

import json
import os
import random
import signal
import threading
from pathlib import Path

import pytest

from orchestrator.run.scratch import scratch_of
from orchestrator.store.open import open_store
from tests.command import Place, finish
from tests.remote.conftest import SECRET
from tests.remote.servers import Proxy

SIZES = """
import hashlib

def f(item):
    data = item.read_bytes()
    assert len(data) == item.size
    return hashlib.sha256(data).hexdigest()
"""
SLOW = """
import time

def f(n):
    time.sleep(0.005)
    return n * n
"""
KILLED = """
import os, signal, time

def f(n):
    time.sleep(0.005)
    if n == 150 and os.environ.get("KILL"):
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return n * n
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A folder for a job, whose scratch folder is in it, too."""
    monkeypatch.setenv("FTORCH_SCRATCH", str(tmp_path / "scratch"))
    return Place(tmp_path)


def fill(url: str, count: int) -> dict[str, bytes]:
    """Put objects below a URL; what they hold by key."""
    store, made = open_store(url), {f"{n % 3}/{n:03}.bin": random.Random(n).randbytes(n * 10) for n in range(count)}
    for key, data in made.items():
        store.put(key, [data])
    return made


def lines_at(url: str) -> list[dict[str, object]]:
    """The records of a JSON Lines object."""
    folder, _, name = url.rpartition("/")
    return [json.loads(line) for line in open_store(folder).get(name).splitlines()]


def test_every_command_takes_a_run_in_a_bucket(place: Place, s3: str) -> None:
    """Submit, status, runs, report and collect work on a URL, and nothing of the run is kept on this machine."""
    place.job(output={"path": f"{s3}/out.jsonl"})
    run = f"{s3}/runs/one"
    report = place.submit("--run", run)
    assert (report["folder"], report["run"], report["output"]["path"]) == (run, "one", f"{s3}/out.jsonl")
    assert [record["result"] for record in lines_at(f"{s3}/out.jsonl")] == [n * n for n in range(10)]
    assert place.ftorch("status", run, "--json").expect(0).json()["state"] == "done"
    assert [found["run"] for found in place.ftorch("runs", f"{s3}/runs", "--json").expect(0).json()] == ["one"]
    assert place.ftorch("report", run, "--json").expect(0).json()["items"] == 10
    assert place.ftorch("collect", run, "--json").expect(0).json()["path"] == f"{s3}/out.jsonl"
    assert not scratch_of(run).exists()
    assert not (place / ".ftorch").exists()
    place.ftorch("submit", "job.yaml", "--run", run).expect(2, "is there already")


def test_a_run_that_was_killed_goes_on(place: Place, s3: str) -> None:
    """After kill -9 of the supervisor, status says so and --resume gives what an undisturbed run gives."""
    place.job(KILLED, input={"range": {"stop": 600}}, output={"path": f"{s3}/out.jsonl"}, resources={"threads": 2})
    run = f"{s3}/runs/one"
    assert place.ftorch("submit", "job.yaml", "--run", run, env={"KILL": "1"}).code == -signal.SIGKILL
    assert place.ftorch("status", run, "--json").expect(0).json()["state"] in ("interrupted", "running")
    place.ftorch("submit", "--run", run, "--resume", "--quiet").expect(0)
    assert [record["result"] for record in lines_at(f"{s3}/out.jsonl")] == [n * n for n in range(600)]


def test_a_run_is_watched_and_stopped(place: Place, s3: str) -> None:
    """While it runs, its board is on this machine; SIGTERM ends it resumably."""
    place.job(SLOW, input={"range": {"stop": 100_000}}, output={"path": f"{s3}/out.jsonl"}, timeout={"grace": "1s"})
    run = f"{s3}/runs/one"
    going = place.popen("submit", "job.yaml", "--run", run)
    while not (scratch_of(run) / "shards/0/board").exists():
        assert going.poll() is None
    going.send_signal(signal.SIGTERM)
    done = finish(going).expect(75)
    assert f"ftorch submit --run {run} --resume" in done.out + done.err
    assert not scratch_of(run).exists()


def test_two_processes_on_one_run(place: Place, s3: str) -> None:
    """Of two that work on one run at once, one is fenced or comes too late; every item is there once."""
    place.job(SLOW, input={"range": {"stop": 1500}}, output={"path": f"{s3}/out.jsonl", "overwrite": True})
    run = f"{s3}/runs/one"
    both = [place.popen("submit", "job.yaml", "--run", run, "--resume", "--quiet") for _ in range(2)]
    ended = [finish(process) for process in both]
    if all(done.code for done in ended):
        place.ftorch("submit", "--run", run, "--resume", "--quiet").expect(0)
    assert {done.code for done in ended} <= {0, 75}
    assert [record["result"] for record in lines_at(f"{s3}/out.jsonl")] == [n * n for n in range(1500)]


def test_old_runs_in_a_bucket_are_removed(place: Place, s3: str) -> None:
    """`prune` removes every object of the runs that go, and none of the others or of the output."""
    place.job(output={"path": f"{s3}/out.jsonl", "overwrite": True})
    for name in ("one", "two"):
        place.submit("--run", f"{s3}/runs/{name}")
    told = place.ftorch("prune", f"{s3}/runs", "--keep", "1").expect(0).out
    assert told == "removed one\nkept 1 run: one of the newest of its job\n"
    assert list(open_store(f"{s3}/runs/one").list("")) == []
    place.ftorch("collect", f"{s3}/runs/two").expect(0)
    assert [record["result"] for record in lines_at(f"{s3}/out.jsonl")] == [n * n for n in range(10)]


@pytest.mark.parametrize(("name", "format_"), [("out.jsonl", "jsonl"), ("out/", "jsonl"), ("tree", "tree")])
def test_shards_that_meet_in_a_bucket(place: Place, s3: str, name: str, format_: str) -> None:
    """Two processes, a shard each, share a run through the bucket alone; the last of them publishes all of it."""
    made = fill(f"{s3}/in", 40)
    place.job(
        "def f(item):\n    return str(len(item.read_bytes()))\n",
        input={"objects": {"url": f"{s3}/in"}},
        output={"path": f"{s3}/{name}", "format": format_},
        kubernetes={"shards": 2},
    )
    run = f"{s3}/runs/one"
    both = [place.popen("submit", "job.yaml", "--run", run, "--shard", str(shard), "--quiet") for shard in range(2)]
    for process in both:
        finish(process).expect(0)
    assert place.ftorch("status", run, "--json").expect(0).json()["state"] == "done"
    expected = [str(len(made[key])) for key in sorted(made)]
    store = open_store(s3)
    if format_ == "tree":
        assert [store.get(f"tree/{key}").decode() for key in sorted(made)] == expected
        return
    part = "out/part-00000.jsonl" if name.endswith("/") else name
    assert [record["result"] for record in lines_at(f"{s3}/{part}")] == expected
    place.ftorch("collect", run).expect(0)
    assert [record["result"] for record in lines_at(f"{s3}/{part}")] == expected


@pytest.mark.parametrize("backend", ["threads", pytest.param("processes", marks=pytest.mark.slow)])
def test_objects_in_and_out_through_a_bad_network(place: Place, s3: str, proxy: Proxy, backend: str) -> None:
    """With one request in twenty failing, everything is hashed once, in order, by threads and by processes."""
    made = fill(f"{s3}/in", 120)
    chance, lock = random.Random(1), threading.Lock()

    def fault(_method: str, _path: str) -> str:
        with lock:
            faults = ["500", "503", "before", "after", "error after", "half"]
            return chance.choice(faults) if chance.random() < 0.05 else ""

    proxy.fault = fault
    place.job(
        SIZES,
        input={"objects": {"url": f"{s3}/in", "include": ["**/*.bin"]}},
        output={"path": f"{s3}/out.jsonl"},
        runtime={"backend": backend},
        resources={"threads": 2},
        remote={"endpoint_url": proxy.url, "in_flight": "1Mi", "connections": 4},
    )
    place.submit("--run", f"{s3}/runs/one")
    proxy.fault = lambda _method, _path: ""
    import hashlib

    expected = [(key, hashlib.sha256(made[key]).hexdigest()) for key in sorted(made)]
    assert [(record["key"], record["result"]) for record in lines_at(f"{s3}/out.jsonl")] == expected


def test_a_run_in_azure(place: Place, azure: str) -> None:
    """State, input and output in a container of Azure: hashed once each, in order, and told by every command."""
    made = fill(f"{azure}/in", 40)
    place.job(SIZES, input={"objects": {"url": f"{azure}/in"}}, output={"path": f"{azure}/out.jsonl"})
    place.submit("--run", f"{azure}/runs/one")
    assert [record["key"] for record in lines_at(f"{azure}/out.jsonl")] == sorted(made)
    assert place.ftorch("status", f"{azure}/runs/one", "--json").expect(0).json()["state"] == "done"
    assert [found["run"] for found in place.ftorch("runs", f"{azure}/runs", "--json").expect(0).json()] == ["one"]


def test_no_secret_is_kept_or_told(place: Place, s3: str) -> None:
    """Neither the run's files nor what is printed, with an error or without, holds a credential."""
    place.job(output={"path": f"{s3}/out.jsonl", "overwrite": True})
    run = f"{s3}/runs/one"
    told = place.ftorch("submit", "job.yaml", "--run", run).expect(0)
    wrong = place.ftorch("submit", "job.yaml", "--run", "s3://no-such-bucket/run").expect(2, "no such bucket")
    store = open_store(run)
    kept = b"".join(store.get(name) for name in store.list(""))
    for text in (told.out, told.err, wrong.out, wrong.err, kept.decode("latin-1")):
        assert SECRET not in text
        assert os.environ["AWS_ACCESS_KEY_ID"] not in text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"output": {"path": "ftp://x/y.jsonl"}}, "found ftp://, expected a URL that begins with s3://, gs://, az://"),
        ({"output": {"path": "s3://key:secret@bucket/y.jsonl"}}, "found a user, a password"),
        ({"input": {"objects": {"url": "bucket/in"}}}, 'found "bucket/in", expected a URL that begins with s3://'),
        ({"input": {"objects": {"url": "s3://no-such-bucket/in"}}}, "there is no such bucket"),
        ({"output": {"path": "s3://no-such-bucket/y.jsonl"}}, "there is no such bucket"),
        ({"remote": {"endpoint_url": "http://storage.example"}, "output": {"path": "s3://b/y.jsonl"}}, "allow_http"),
    ],
)
def test_what_cannot_be_is_told_at_once(place: Place, s3: str, fields: dict[str, object], told: str) -> None:
    """A URL that can be none, a bucket that is none, http to a far machine: one line, exit 2 or 3, nothing written."""
    place.job(**fields)
    done = place.ftorch("submit", "job.yaml", "--run", f"{s3}/runs/one")
    assert done.code in (2, 3)
    assert told in done.err
    assert "secret" not in done.err
    assert "Traceback" not in done.err
    assert list(open_store(s3).list("")) == []


def test_a_secret_in_a_url_is_not_repeated(place: Place, s3: str) -> None:
    """A password that a user writes into --run is refused, and not printed."""
    place.job()
    done = place.ftorch("submit", "job.yaml", "--run", "s3://key:hidden@bucket/run").expect(2, "found a user")
    assert "hidden" not in done.out + done.err


def test_without_obstore(place: Place, s3: str) -> None:
    """Where the extra is not installed, one line says so, and how to install it."""
    place.job()
    place.write("hide/obstore.py", "raise ImportError('hidden')\n")
    done = place.ftorch("submit", "job.yaml", "--run", f"{s3}/run", env={"PYTHONPATH": str(place / "hide")})
    done.expect(3, "pip install 'ftorch[remote]'")


def test_without_credentials(place: Place, s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none of the usual places has credentials, that is told at once, with the places."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    place.job()
    place.ftorch("submit", "job.yaml", "--run", f"{s3}/run").expect(3, "no credentials for s3://", "~/.aws")
