"""`--follow-logs` and `ftorch logs`: each line of each pod once, whatever is cut, and none lost at the end."""

import json

import pytest

from orchestrator.cluster.client.logs import LogFollower, read_log, read_logs
from orchestrator.errors import FtorchError
from tests.cluster.controller import End
from tests.cluster.double import once
from tests.cluster.test_commands import SUMMARY, folder, ftorch, playing

__all__ = ["folder", "playing"]
LINES = ["one", "two", "three", "four", "five"]


@pytest.fixture
def a_pod(server):
    """A pod that has ended, and what it printed."""
    server.put("pods", {"metadata": {"name": "p", "labels": {}}, "status": {"phase": "Succeeded"}}, "ADDED")
    server.log_lines["p"] = list(LINES)


def printing(server):
    """Pods that print as they start to run, and again when they end."""

    def play(index, attempt):
        pod = next(
            each["metadata"]["name"]
            for each in server.find("pods")
            if each["metadata"]["name"].split("-")[-2] == str(index) and each["status"]["phase"] == "Running"
        )
        if not server.log_lines.get(pod):
            server.print_line(pod, f"begins {attempt}")
            return None
        server.print_line(pod, f"ends {attempt}")
        return End(75 if (index, attempt) == (1, 0) else 0, json.dumps({**SUMMARY, "shard": index}))

    return play


def test_submit_follows_the_pods_lines(server, playing, folder):
    """Every line of every pod is on standard output after its shard, those of a pod that was made again, too."""
    playing(printing(server))
    done = ftorch(folder, "submit", "job.yaml", "--on", "kubernetes", "--follow-logs")
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stdout.splitlines() if line.startswith("[")]
    again = ["[1] begins 1", "[1] ends 1"]
    assert sorted(said) == sorted([f"[{shard}] {word} 0" for shard in range(3) for word in ("begins", "ends")] + again)
    assert said.index("[0] begins 0") < said.index("[0] ends 0")
    assert "3 shards of 3 reported" in done.stdout, "the report comes after them"


def test_beside_json_the_lines_are_no_part_of_it(server, playing, folder):
    """With --json standard output is one JSON document, and the pods' lines are on standard error."""
    playing(printing(server))
    done = ftorch(folder, "submit", "job.yaml", "--on", "kubernetes", "--follow-logs", "--json")
    assert json.loads(done.stdout)["verdict"]["state"] == "done"
    assert "[2] ends 0" in done.stderr.splitlines()


def test_a_log_that_is_cut_goes_on_after_its_last_line(server, api, a_pod):
    """Connections that break after some lines lose none and repeat none; the server knows whole seconds only."""
    server.cut_logs.extend([1, 3, 2, 4])
    said = []
    read_log(api, "p", 7, said.append, {"follow": "true"})
    assert said == [f"[7] {line}" for line in LINES]
    assert not server.cut_logs
    assert sum("sinceTime=" in each for each in server.asked) >= 3


def test_a_log_that_breaks_off_again_and_again(server, api, a_pod):
    """Where nothing more comes, following ends with a line that says so, and the run is not disturbed."""
    server.log_lines["p"] = LINES[:1]
    server.cut_logs.extend([1] * 20)
    said = []
    follower = LogFollower(api, said.append)
    follower.begin("p", 3)
    follower.begin("p", 3)
    follower.finish(60)
    assert said[0] == "[3] one"
    assert said[1].startswith("[3] the log of p ends here: the connection was cut")
    assert len(said) == 2


def test_reading_without_following_asks_for_the_lines_alone(server, api, a_pod):
    """`ftorch logs` without --follow shows them as they are; several pods one after the other."""
    said = []
    read_logs(api, [("p", 0), ("p", 1)], said.append, {"tailLines": "5"})
    assert said == [f"[{shard}] {line}" for shard in range(2) for line in LINES]
    assert not any("timestamps" in each for each in server.asked)


def test_a_log_that_may_not_be_read(server, api, a_pod):
    """No permission on pods/log is one line; nothing is tried again."""
    told = 'pods "p" is forbidden: User "eve" cannot get resource "pods/log" in API group "" in the namespace "work"'
    server.faults.append(once("/log", 403, told, times=9))
    with pytest.raises(FtorchError, match="no permission to get pods/log in namespace work"):
        read_log(api, "p", 0, print, {"follow": "true"})
    assert server.refused == 1
