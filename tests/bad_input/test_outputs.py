"""Outputs that cannot be written, or are there already: refused before the start, or resumable after it."""

import json
import os

import pytest

from tests.bad_input.conftest import Disk
from tests.command import Place

MANY = {"range": {"stop": 20_000}}
SQUARES = [n * n for n in range(20_000)]


def test_an_output_that_exists(place: Place):
    """An output that exists is refused and left alone, told by plan too, and replaced with `overwrite: true`."""
    place.job()
    place.write("out.jsonl", "mine")
    before = place.listing()
    place.ftorch("submit", "job.yaml").expect(2, "out.jsonl", "overwrite: true")
    assert "refused" in place.ftorch("plan", "job.yaml").expect(0).out
    assert place.listing() == before
    assert place.submit("--set", "output.overwrite=true")["state"] == "done"
    assert place.results() == [n * n for n in range(10)]


def test_an_output_where_a_folder_or_a_file_stands_in_the_way(place: Place):
    """A folder where a file goes, and a file where a folder goes, are refused even with `overwrite: true`."""
    place.job(output={"path": "taken", "format": "jsonl", "overwrite": True})
    (place / "taken").mkdir()
    place.write("taken/file", "mine")
    place.write("file", "mine")
    before = place.listing()
    place.ftorch("submit", "job.yaml").expect(2, "taken")
    place.ftorch("submit", "job.yaml", "--set", "output.path=file/out.jsonl").expect(2, "file")
    assert place.listing() == before


def test_an_output_in_a_folder_that_cannot_be_written(place: Place, unprivileged: list[str]):
    """A read-only folder is told before the start; nothing is written."""
    place.job(output={"path": "shut/out.jsonl"})
    (place / "shut").mkdir(mode=0o555)
    before = place.listing()
    place.ftorch("submit", "job.yaml", prefix=unprivileged).expect(2, "shut", "ermission denied")
    assert place.listing() == before


def test_a_folder_in_which_no_run_can_be_kept(place: Place, small_disk: Disk):
    """A read-only file system for the run's state is told, and nothing is left."""
    place.job()
    small_disk.remount("ro")
    before = place.listing()
    place.ftorch("submit", "job.yaml", "--run", small_disk.path / "run").expect(75, "ead-only file system")
    assert place.listing() == before
    assert os.listdir(small_disk.path) == []


def test_a_key_that_escapes_the_output_tree(place: Place):
    """An item whose name leads out of the tree is a failed item; nothing is written outside."""
    place.write("in.csv", "n\n1\n")
    place.write("links/inner", "x")
    place.job(
        "def f(item):\n    return b'x'\n",
        input={"files": {"root": "links"}},
        output={"path": "tree", "format": "tree", "name": "{parent}/{stem}{suffix}"},
    )
    assert place.submit()["items"] == 1
    assert [path.name for path in (place / "tree").iterdir()] == ["inner"]


@pytest.mark.parametrize("threads", [pytest.param("1", marks=pytest.mark.slow), "2"])
def test_a_disk_that_fills_up_under_the_run(place: Place, small_disk: Disk, threads: str):
    """With the run's disk full the run ends with exit 75; after making room, resuming gives the whole result."""
    place.job(input=MANY)
    run = small_disk.path / "run"
    options = ("submit", "job.yaml", "--run", run, "--threads", threads)
    place.ftorch(*options).expect(75, "No space left on device", "--resume")
    assert not (place / "out.jsonl").exists()
    assert place.ftorch("status", run, "--json").expect(0).json()["state"] == "interrupted"
    small_disk.remount("size=64m")
    done = place.ftorch(*options, "--resume", "--json").expect(0).json()
    assert (done["state"], done["items"]) == ("done", 20_000)
    assert place.results() == SQUARES


def test_a_disk_that_fills_up_under_the_output(place: Place, small_disk: Disk):
    """With the output's disk full every item is kept in the run; after making room, resuming just publishes."""
    place.job(input=MANY, output={"path": str(small_disk.path / "out.jsonl")})
    place.ftorch("submit", "job.yaml").expect(75, "No space left on device")
    assert os.listdir(small_disk.path) == []
    status = place.ftorch("status", "--json").expect(0).json()
    assert (status["state"], status["items"]) == ("complete", 20_000)
    small_disk.remount("size=64m")
    place.ftorch("submit", "job.yaml", "--resume", "-q").expect(0)
    lines = (small_disk.path / "out.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["result"] for line in lines] == SQUARES
