"""The commands with `--on kubernetes`, as a user types them, against the doubles."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from tests.cluster.controller import Controller, End, is_over

JOB = """\
task: ./work.py:work
input: {range: {stop: 10}}
kubernetes: {image: example.com/ftorch, shards: 3, nodes: 2, store: "s3://bucket/runs"}
"""
SUMMARY = {"run": "r", "shard": 0, "exit_code": 0, "message": "", "items": 5, "failed": 1, "cpu_s": 2.0}


@pytest.fixture
def folder(tmp_path):
    """A job's folder."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "job.yaml").write_text(JOB)
    (tmp_path / "photos" / "work.py").write_text("def work(item):\n    return item\n")
    return tmp_path / "photos"


@pytest.fixture
def playing(server):
    """Start the controller with what its pods do; it is stopped at the end."""
    started = []

    def play(how=lambda *_: End(message=json.dumps(SUMMARY))):
        started.append(Controller(server, how).start())
        return started[-1]

    yield play
    for controller in started:
        controller.stop()


def start(folder, *arguments):
    """Start a command."""
    command = [sys.executable, "-m", "orchestrator", *arguments]
    env = {**os.environ, "PYTHONPATH": os.getcwd()}
    return subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ftorch(folder, *arguments, within=90):
    """Run a command to its end."""
    command = [sys.executable, "-m", "orchestrator", *arguments]
    env = {**os.environ, "PYTHONPATH": os.getcwd()}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=within)


def test_submit_follows_to_the_end(server, playing, folder):
    """Submitted without a terminal, each change is a line of JSON on standard error, and the end a report."""
    seen = threading.Event()
    playing(lambda *_: End(message=json.dumps(SUMMARY)) if seen.is_set() else None)
    told = []
    with start(folder, "submit", "job.yaml", "--on", "kubernetes") as process:
        for line in process.stderr:
            if line.startswith("{") and (about := json.loads(line))["event"] == "shard":
                told.append((about["shard"], about["state"]))
                if about["state"] == "running":
                    seen.set()
        printed = process.stdout.read()
    assert process.returncode == 0, printed
    assert "running" in {state for _, state in told}
    assert dict(told) == {0: "done", 1: "done", 2: "done"}, "what is told last of each shard"
    assert ": done" in printed
    assert "3 shards of 3 reported" in printed
    assert "15, 3 failed" in printed
    assert len(list((folder / ".ftorch/cluster").glob("*/pods.jsonl"))) == 1


def test_a_failed_run_says_why(server, playing, folder):
    """A shard that failed for good is named, with its exit code; the command ends with it."""
    playing(lambda index, _: End(1 if index == 2 else 0))
    ended = ftorch(folder, "submit", "job.yaml", "--on", "kubernetes", "--json")
    assert ended.returncode == 1
    told = json.loads(ended.stdout)
    assert told["verdict"]["state"] == "failed"
    assert [trouble["index"] for trouble in told["troubles"]] == [2]


def test_detached_then_looked_at_from_elsewhere(server, playing, folder, tmp_path):
    """Detached, the run is found again by its labels from another folder: runs, status, logs, report."""
    ended = ftorch(folder, "submit", "job.yaml", "--on", "kubernetes", "--detach", "--json")
    assert ended.returncode == 0, ended.stderr
    run = json.loads(ended.stdout)["run"]
    controller = playing()
    while not is_over(server.find("jobs")[0]):
        controller._stop.wait(0.01)
    for pod in server.find("pods"):
        server.log_lines[pod["metadata"]["name"]] = ["hello"]
    assert run in ftorch(tmp_path, "runs", "--on", "kubernetes").stdout
    status = ftorch(tmp_path, "status", run, "--on", "kubernetes")
    assert f"{run}: done" in status.stdout, status.stderr
    assert ftorch(tmp_path, "logs", run, "--on", "kubernetes").stdout == "[0] hello\n[1] hello\n[2] hello\n"
    report = ftorch(tmp_path, "report", run, "--on", "kubernetes", "--json")
    assert json.loads(report.stdout)["report"]["items"] == 15


def test_suspend_resume_cancel(server, playing, folder):
    """A run is suspended, resumed and cancelled; cancelling deletes what the Job owns."""
    run = json.loads(ftorch(folder, "submit", ".", "--on", "kubernetes", "--suspend", "--json").stdout)["run"]
    assert server.find("jobs")[0]["spec"]["suspend"] is True
    assert ftorch(folder, "resume", run).returncode == 0
    assert server.find("jobs")[0]["spec"]["suspend"] is False
    assert ftorch(folder, "suspend", run).returncode == 0
    assert server.find("jobs")[0]["spec"]["suspend"] is True
    cancelled = ftorch(folder, "cancel", run)
    assert cancelled.returncode == 0, cancelled.stderr
    assert server.objects == {}


def test_collect_runs_a_pod(server, playing, folder):
    """The output is put together by a pod with the run's volumes and environment, whose words are printed."""
    playing()
    ended = ftorch(folder, "submit", "job.yaml", "--on", "kubernetes", "--json")
    run = json.loads(ended.stdout)["run"]
    server.log_lines["*"] = ["out.jsonl (5 B, 1 file)"]
    collected = ftorch(folder, "collect", run, "--on", "kubernetes")
    assert collected.returncode == 0, collected.stderr
    assert collected.stdout == f"{run}: done\nout.jsonl (5 B, 1 file)\n"
    job = next(job for job in server.find("jobs") if job["metadata"]["name"].endswith("-collect"))
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == ["collect", f"$(FTORCH_STORE)/{run}"]
    assert job["metadata"]["ownerReferences"][0]["name"] == run
    assert ftorch(folder, "runs", "--on", "kubernetes").stdout.count("photos-") == 1


def test_ctrl_c_detaches(server, playing, folder):
    """Ctrl-C leaves the run on the cluster, says how to go on, and exits 75."""
    running = threading.Event()

    def hold(index, attempt):
        running.set()

    playing(hold)
    command = [sys.executable, "-m", "orchestrator", "submit", "job.yaml", "--on", "kubernetes"]
    env = {**os.environ, "PYTHONPATH": os.getcwd()}
    with subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if '"running"' in line:
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 75, rest
    assert "detached; the run goes on" in rest
    assert len(server.find("jobs")) == 1


def test_the_pods_serve_metrics_where_asked(server, folder):
    """--metrics is the pods' port on a cluster."""
    ended = ftorch(folder, "submit", "job.yaml", "--on", "kubernetes", "--detach", "--metrics", "9095")
    assert ended.returncode == 0, ended.stderr
    [container] = server.find("jobs")[0]["spec"]["template"]["spec"]["containers"]
    assert container["args"][-2:] == ["--metrics", ":9095"]


def test_dry_run_creates_nothing(server, folder):
    """--dry-run has the API server check everything, and creates nothing."""
    ended = ftorch(folder, "submit", "job.yaml", "--on", "kubernetes", "--dry-run")
    assert ended.returncode == 0, ended.stderr
    assert "would accept: ConfigMap" in ended.stdout
    assert server.objects == {}


def test_an_old_cluster_is_refused(server, folder):
    """A cluster older than 1.33 is refused with the features that it lacks."""
    server.version = "30"
    ended = ftorch(folder, "submit", "job.yaml", "--on", "kubernetes")
    assert ended.returncode == 2
    assert "backoffLimitPerIndex" in ended.stderr
    assert server.objects == {}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["submit", "job.yaml", "--detach"], "--detach, --follow-logs and --suspend are about a cluster"),
        (["status", "--context", "x"], "give it with --on kubernetes"),
        (["submit", "job.yaml", "--price", "1"], "--price and --compare are of the report of a run on a cluster"),
        (["submit", "job.yaml", "--on", "kubernetes", "--metrics", "80"], "expected a port of the pods from 1024"),
        (["submit", "job.yaml", "--on", "kubernetes", "--limit", "3"], "--limit is for runs on this machine"),
        (["status", "no-such", "--on", "kubernetes"], "there is no run of 'no-such' in namespace 'work'"),
    ],
)
def test_wrong_use(server, folder, arguments, told):
    """What means nothing, or is not there, is one line and exit code 2."""
    ended = ftorch(folder, *arguments)
    assert ended.returncode == 2
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
