"""`ftorch scale`: a curve of a real job, and nothing left behind."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.command import Done, Place, finish

WORK = "def f(n):\n    return sum(range(20_000)) * 0 + n\n"
QUICK = ("--threads", "2", "--seconds", "0.1", "--repeats", "2", "--seed", "7")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """The folder for temporary files; it must be empty afterwards."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def scale(place: Place, scratch: Path, *options: str, **env: str) -> Done:
    """Run the command; nothing may be there afterwards that was not there before."""
    before = place.listing()
    done = place.ftorch("scale", "job.yaml", *options, env={"TMPDIR": str(scratch), **env})
    assert place.listing() == before
    assert list(scratch.iterdir()) == []
    return done


def test_a_curve_and_nothing_else(place: Place, scratch: Path):
    """A sweep prints a curve of one and two threads from windows of the job's own items, in the seed's order."""
    place.job(WORK, input={"range": {"stop": 20_000}})
    report = scale(place, scratch, *QUICK, "--json").expect(0).json()
    windows = report["scaling"]["windows"]
    assert [window["threads"] for window in windows] == report["order"]
    assert sorted(report["order"]) == [1, 1, 2, 2]
    assert (report["complete"], report["seed"], report["sample_items"], report["failed"]) == (True, 7, 20_000, 0)
    assert [point["threads"] for point in report["scaling"]["points"]] == [1, 2]
    for window in windows:
        assert window["seconds"] > 0.05
        assert window["chunks"] >= 2 * window["threads"]
        assert 0 < window["cpu_seconds"] <= window["threads"] * window["seconds"] * 1.2
        assert window["items_per_second"] > 0
    one = report["scaling"]["points"][0]
    assert one["speedup"]["value"] == 1.0
    assert one["cpu_per_unit"]["value"] > 0


def test_the_terminal(place: Place, scratch: Path):
    """In text there are a bar for each count, the table and the seed; progress goes to standard error."""
    place.job(WORK, input={"range": {"stop": 20_000}})
    done = scale(place, scratch, *QUICK).expect(0)
    assert done.out.startswith("place: how ./task.py:f scales\n  host ")
    for text in ("\n  curve       1 █", "\n              2 █", "\n  scaling     threads  items/s  ", "by --seed 7\n"):
        assert text in done.out
    assert [event["windows"] for event in done.events] == [0, 1, 4]
    assert scale(place, scratch, *QUICK, "--quiet").expect(0).err == ""


def test_by_default_it_goes_beyond(place: Place, scratch: Path):
    """Without --threads it measures up to twice what a run would have; a run's number comes from the job."""
    place.job(WORK, input={"range": {"stop": 20_000}}, resources={"threads": 2})
    report = scale(place, scratch, "--seconds", "0.1", "--repeats", "2", "--json", "-q").expect(0).json()
    assert [point["threads"] for point in report["scaling"]["points"]] == [1, 2, 3, 4]
    assert report["threads"]["threads"] == 2


@pytest.mark.parametrize(
    ("fields", "options", "text"),
    [
        ({"input": {"range": {"stop": 0}}}, (), "the input is empty: there is nothing to measure"),
        ({"input": {"range": {"stop": 20}}}, (), "too short to measure: 2 threads do the whole sample in"),
        ({}, ("--limit", "10"), "Give the job more input, or raise --limit."),
        ({}, ("--threads", "1,x"), "found '1,x', expected numbers from 1 to 4096 such as 1,2,4"),
        ({}, ("--threads", "0"), "found '0', expected numbers from 1"),
        ({"task": "./task.py:g"}, (), "task.py"),
        ({"input": {"files": {"root": "nowhere"}}}, (), "nowhere"),
    ],
    ids=["empty", "short", "limit", "no numbers", "zero", "no task", "no input"],
)
def test_what_cannot_be_measured(place: Place, scratch: Path, fields: Any, options: Any, text: str):
    """Bad input is one clear message, and nothing is left."""
    place.job(WORK, **{"input": {"range": {"stop": 20_000}}, **fields})
    done = scale(place, scratch, *QUICK, "-q", *options).expect(2, text)
    assert done.out == ""


def test_one_core(place: Place, scratch: Path):
    """Where a run would have one thread there is no curve to measure, unless thread counts are asked for."""
    place.job(WORK, input={"range": {"stop": 20_000}})
    scale(place, scratch, "-q", FTORCH_THREADS="1").expect(3, "there is nothing to compare it with", "`--threads 1,2`")
    scale(place, scratch, *QUICK, "-q", FTORCH_THREADS="1").expect(0)


def test_items_that_all_fail(place: Place, scratch: Path):
    """When no item does anything but fail there is no curve, but the first error; when some fail, that is told."""
    source = "def f(n, every):\n    sum(range(20_000))\n    if n % every == 0:\n        raise ValueError(f'no {n}')\n"
    fields = {"input": {"range": {"start": 0, "stop": 20_000}}}
    place.job(source, **fields, **{"with": {"every": 1}})
    scale(place, scratch, *QUICK, "-q").expect(
        1, "every item failed, so there is nothing to measure", "ValueError: no "
    )
    place.job(source, **fields, **{"with": {"every": 10}})
    done = scale(place, scratch, *QUICK, "-q").expect(0)
    assert "items: the curve is one of failing, too\n" in done.out


def test_ctrl_c_gives_the_curve_so_far(place: Place, scratch: Path):
    """Stopped in the middle, it prints what was measured, says so, exits 75, and leaves nothing."""
    place.job(WORK, input={"range": {"stop": 20_000}})
    options = ("--threads", "2", "--seconds", "0.1", "--repeats", "500", "--json")
    process = place.popen("scale", "job.yaml", *options, env={"TMPDIR": str(scratch)})
    assert process.stderr is not None
    while json.loads(process.stderr.readline())["windows"] < 1:
        pass
    process.send_signal(signal.SIGINT)
    done = finish(process).expect(75)
    report = done.json()
    assert not report["complete"]
    assert report["reason"].startswith("stopped after ")
    assert 1 <= len(report["scaling"]["windows"]) < 1000
    assert list(scratch.iterdir()) == []
    assert place.runs() == []


def test_an_item_that_kills_the_process(place: Place, scratch: Path):
    """A worker that dies ends the sweep with its signal, and the hint to what finds the item."""
    place.job(
        "import os\ndef f(n):\n    if n == 150:\n        os.abort()\n    return n\n", input={"range": {"stop": 20_000}}
    )
    scale(place, scratch, *QUICK, "-q").expect(134, "the worker died of SIGABRT", "sets it aside")


def test_a_tree_is_not_written(place: Place, scratch: Path):
    """A job that writes a file for each item writes none, and says that it was measured without."""
    for n in range(40):
        place.write(f"data/{n}", "x" * 10)
    source = "from time import thread_time\ndef f(file):\n    until = thread_time() + 0.02\n"
    source += "    while thread_time() < until:\n        pass\n    return b''\n"
    output = {"path": "out", "format": "tree", "name": "{key}.r"}
    place.job(source, input={"files": {"root": "data"}}, output=output)
    report = scale(place, scratch, *QUICK, "--json", "-q").expect(0).json()
    assert report["notes"] == ["results were not encoded: the output is a tree of files, and none was written"]
    assert report["scaling"]["windows"][0]["nbytes"] > 0


@pytest.mark.slow
def test_processes(place: Place, scratch: Path):
    """With the GIL on the same windows are taken of processes, each with its own CPU clock."""
    place.job(WORK, input={"range": {"stop": 20_000}})
    report = scale(place, scratch, *QUICK, "--json", "-q", PYTHON_GIL="1").expect(0).json()
    assert report["backend"]["backend"] == "processes"
    for window in report["scaling"]["windows"]:
        assert 0 < window["cpu_seconds"] <= window["threads"] * window["seconds"] * 1.2
