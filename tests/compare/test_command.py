"""`ftorch compare` as a user runs it: its table, its JSON, its bad days."""

import json
import os
import signal
import sys
from typing import Any

import psutil
import pytest

from orchestrator.compare.redis_server import check_redis
from orchestrator.errors import FtorchError
from tests.command import Done, Place, finish

WORK = "def f(n):\n    return sum(range(n, n + 40_000))\n"
JOB: dict[str, Any] = {"input": {"range": {"stop": 400}}, "output": None, "resources": {"threads": 2}}
PYTHON = getattr(sys, "_base_executable", sys.executable)


def rows(done: Done) -> dict[str, dict[str, Any]]:
    """The rows of a comparison's JSON, by name."""
    return {row["name"]: row for row in done.json()["rows"]}


def need_redis() -> None:
    """Skip where there is no Redis, saying what lacks."""
    try:
        check_redis()
    except FtorchError as error:
        pytest.skip(error.message)


def test_all_contestants_side_by_side(place: Place):
    """Each has every figure, measured; results were equal; nothing but the figures stays behind, for reports."""
    need_redis()
    scratch = place.path.parent / "scratch"
    scratch.mkdir()
    place.job(WORK, **JOB)
    before = place.listing()
    options = ("--repeats", "2", "--python", PYTHON, "--price", "0.04", "--sample", "400", "--json")
    done = place.ftorch("compare", "job.yaml", *options, env={"TMPDIR": str(scratch)}).expect(0)
    [kept] = (place / ".ftorch" / "compare").iterdir()
    assert json.loads(kept.read_text()) == done.json()
    assert {name for name in place.listing() if not name.startswith(".ftorch")} == set(before)
    assert list(scratch.iterdir()) == []
    found = rows(done)
    assert list(found) == ["threads", "processes", "interpreters", "redis", "python"]
    for name, row in found.items():
        figures = row["figures"]
        assert row["refused"] == "", row
        assert figures["rounds"] == len(row["samples"]) == 2
        assert figures["items_per_second"]["least"] <= figures["items_per_second"]["median"]
        assert min(figures[figure] for figure in ("p50", "startup", "peak", "cpu_seconds", "cost_per_million")) > 0
        assert figures["ratio"]["median"] > 0
        assert (figures["serialised"] > 400) is (name != "threads")
        assert ("quickest of" in row["tuned"]) is (name != "threads")
    assert found["threads"]["figures"]["ratio"]["median"] == 1
    assert found["redis"]["figures"]["peak"] > found["redis"]["figures"]["worker"] > 1_000_000
    assert done.json()["machine"]
    assert (done.json()["items"], done.json()["chosen"], done.json()["state"]) == (400, "all of the input", "done")


def test_the_table_and_how_many_items_a_few_seconds_need(place: Place):
    """Without a number of items they are found by trying; the table has a line a contestant and says what it means."""
    place.job(WORK, **JOB)
    done = place.ftorch("compare", "job.yaml", "--only", "processes, threads", "--repeats", "1").expect(0)
    lines = done.out.splitlines()
    assert lines[0].startswith("place: ")
    assert lines[2].split()[:2] == ["items/s", "ratio"]
    assert [line.split()[0] for line in lines[3:5]] == ["threads", "processes"]
    assert "results checked equal" in done.out
    assert "commit results to disk" in done.out
    assert done.events[0]["doing"] == "importing the task"


def test_results_that_differ_are_shown(place: Place):
    """The row that differs from the others has no figures but the first differing item, with both values."""
    source = "import sys\n\n\ndef f(n):\n    sum(range(40_000))\n"
    source += "    return n + (n == 7 and 'orchestrator.engine' in str(sys.orig_argv))\n"
    place.job(source, **JOB)
    options = ("--only", "threads,processes,interpreters", "--limit", "300", "--repeats", "1", "--json")
    done = place.ftorch("compare", ".", *options).expect(0)
    found = rows(done)
    assert found["threads"]["refused"] == "the results differ: 7: 8 here, 7 in processes"
    assert found["threads"]["figures"] is None
    assert found["processes"]["figures"] is not None
    assert found["processes"]["figures"]["ratio"] is None


def test_an_item_that_fails_in_one_backend_only(place: Place):
    """It is told by its key and its error; where it fails in all of them alike, it is counted."""
    source = "from concurrent import interpreters\n\n\ndef f(n):\n    sum(range(40_000))\n    if n == 3:\n"
    source += "        raise ValueError('everywhere')\n"
    source += "    if n == 5 and interpreters.get_current() != interpreters.get_main():\n"
    source += "        raise RuntimeError('not here')\n    return n\n"
    place.job(source, **JOB)
    options = ("--only", "threads,processes,interpreters", "--limit", "200", "--repeats", "1")
    text = place.ftorch("compare", ".", *options).expect(0).out
    assert "no figures: the results differ: 5: failed with RuntimeError: not here here, 5 in processes" in text
    assert "1 item failed, and alike in every row that has figures" in text


@pytest.mark.parametrize("options", [["--limit", "20"], ["--sample", "20"], []], ids=["first", "spread", "enough"])
def test_an_item_that_does_not_end(place: Place, options: list[str]):
    """An endless item is ended by `timeout.item`; a pool would wait for ever, so it is not asked, and says why."""
    source = "def f(n):\n    while n == 0:\n        pass\n    return n\n"
    place.job(source, **{**JOB, "input": {"range": {"stop": 20}}, "timeout": {"item": "200ms"}})
    done = place.ftorch("compare", ".", "--only", "threads,processes", "--repeats", "1", "--json", *options)
    found = rows(done.expect(0))
    assert found["processes"]["refused"] == "it has no time limit, and 1 item took longer than timeout.item"
    assert found["threads"]["figures"] is not None
    assert done.json()["failed"] == 1


def test_what_cannot_compete_says_why_and_the_rest_goes_on(place: Place):
    """No Redis, an extension that refuses subinterpreters, a Python that lacks what the task imports: a line each."""
    source = "import msgspec\n\n\ndef f(n):\n    return msgspec.json.decode(str(sum(range(40_000)) + n))\n"
    place.job(source, **JOB)
    options = ("--limit", "200", "--repeats", "1", "--python", PYTHON, "--json")
    found = rows(place.ftorch("compare", ".", *options, env={"PATH": str(place.path)}).expect(0))
    assert "needs redis-server, which is not installed" in found["redis"]["refused"]
    assert "the extension module msgspec._core" in found["interpreters"]["refused"]
    assert "No module named 'msgspec'" in found["python"]["refused"]
    assert found["threads"]["figures"] is not None
    assert found["processes"]["figures"] is not None


@pytest.mark.parametrize(
    ("only", "code", "why"),
    [("redis", 3, "the fleet needs redis-server"), ("interpreters", 2, "its process died: exit code 7")],
)
def test_nobody_has_figures(place: Place, only: str, code: int, why: str):
    """A script is told: exit 3 where no contestant can be had here, 2 where the task ended one; the row says why."""
    place.job("import os\n\n\ndef f(n):\n    os._exit(7)\n", **JOB)
    options = ("--only", only, "--repeats", "1", "--json")
    done = place.ftorch("compare", ".", *options, env={"PATH": str(place.path)})
    done.expect(code, "no contestant has figures, so nothing was compared")
    assert why in rows(done)[only]["refused"]


def test_items_that_kill_their_worker_are_a_few_words(place: Place):
    """The row of threads tells of the first deaths and counts the others."""
    place.job("import os\n\n\ndef f(n):\n    os._exit(7)\n", **{**JOB, "input": {"range": {"stop": 3}}})
    # Of two threads, two may be in an item when the first of them ends the process.
    one = ("--set", "resources.threads=1")
    done = place.ftorch("compare", ".", "--only", "threads", "--repeats", "1", "--json", *one).expect(0)
    [note] = rows(done)["threads"]["notes"]
    assert note.startswith("the worker died: exit code 7 (os._exit); with one item in flight, which runs alone now; ")
    assert note.endswith("; and 4 more")


def test_a_job_that_is_too_short(place: Place):
    """Its rates are not printed, and it is said; start-up and memory are."""
    place.job(**{**JOB, "input": {"range": {"stop": 5}}})
    done = place.ftorch("compare", ".", "--only", "processes,interpreters", "--repeats", "1").expect(0)
    assert "processes, interpreters: all items together take less than 50 ms" in done.out


def test_one_cpu(place: Place):
    """Where there is one CPU, it is said that nothing ran in parallel."""
    place.job(WORK, **{**JOB, "resources": {}})
    cpu = str(min(os.sched_getaffinity(0)))
    prefix = [
        sys.executable,
        "-c",
        f"import os, sys; os.sched_setaffinity(0, {{{cpu}}}); os.execv(sys.argv[1], sys.argv[1:])",
    ]
    options = ("--only", "threads", "--limit", "300", "--repeats", "1")
    done = place.ftorch("compare", ".", *options, prefix=prefix).expect(0)
    assert "ftorch, 1 thread" in done.out
    assert "nothing runs in parallel here" in done.out


@pytest.mark.parametrize(
    ("fields", "options", "code", "text"),
    [
        ({}, ["--only", "celery"], 2, "there is no 'celery'; there are threads, processes"),
        ({}, ["--only", "python"], 2, "that is --python PATH"),
        ({}, ["--limit", "5", "--sample", "5"], 2, "give one of them"),
        ({"input": {"range": {"stop": 0}}}, [], 2, "the input is empty: there is nothing to compare"),
        ({"task": "./task.py:g"}, [], 2, "the module has no function 'g'"),
        ({"with": {"nonsense": 1}}, [], 2, "it takes no argument 'nonsense'"),
    ],
)
def test_bad_input(place: Place, fields: dict[str, Any], options: list[str], code: int, text: str):
    """Each is a clear line, before anything is measured."""
    place.job(**{**JOB, **fields})
    assert place.ftorch("compare", ".", *options).expect(code, text).out == ""


@pytest.mark.parametrize(
    ("python", "text"),
    [("/no/such/python", "it cannot be started: No such file"), ("/bin/true", "it is no Python")],
)
def test_a_python_that_is_none(place: Place, python: str, text: str):
    """It is that row's trouble alone."""
    place.job(WORK, **JOB)
    options = ("--only", "threads", "--limit", "100", "--repeats", "1", "--python", python)
    done = place.ftorch("compare", ".", *options).expect(0)
    assert f"no figures: --python {python}: {text}" in done.out


def until(process: Any, words: str) -> None:
    """Read the log until it says so."""
    for line in process.stderr:
        if words in json.loads(line)["doing"]:
            return
    pytest.fail(f"it never said {words!r}")


@pytest.mark.parametrize("stop", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_stop_shows_what_was_measured(place: Place, stop: signal.Signals):
    """Ctrl-C in the second round ends all that was started, shows the first round, and leaves no file."""
    scratch = place / "scratch"
    scratch.mkdir()
    place.job(WORK, **JOB)
    only = "threads,processes,redis"
    options = ("--only", only, "--limit", "400", "--repeats", "50", "--json")
    process = place.popen("compare", ".", *options, env={"TMPDIR": str(scratch)})
    until(process, "round 2 of 50: processes")
    started = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(stop)
    done = finish(process).expect(75)
    assert done.json()["state"] == "interrupted"
    assert rows(done)["threads"]["figures"]["rounds"] >= 1
    assert psutil.wait_procs(started, 10)[1] == []
    assert list(scratch.iterdir()) == []


def test_a_kill_leaves_no_server(place: Place):
    """Even after kill -9 neither a Redis nor a worker stays."""
    need_redis()
    place.job(WORK, **JOB)
    scratch = place / "scratch"
    scratch.mkdir()
    options = ("--only", "redis", "--limit", "400", "--repeats", "1000")
    process = place.popen("compare", ".", *options, env={"TMPDIR": str(scratch)})
    until(process, "round 1 of 1000: redis")
    until(process, "round 2 of 1000: redis")
    started: list[psutil.Process] = []
    while not any(child.name() == "redis-server" for child in started):
        started = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate(timeout=60)
    assert psutil.wait_procs(started, 30)[1] == []
