"""Inputs that are missing, odd or change: an error before the start, or one failed item, never a traceback."""

import gzip
import json
import os
import socket
from pathlib import Path

import pytest

from tests.command import Place

READ = "def f(item):\n    return len(item.read_bytes())\n"
FILES = {"files": {"root": "data"}}


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"files": {"root": "nowhere"}}, ("nowhere",)),
        ({"files": {"root": "task.py"}}, ("task.py",)),
        ({"lines": {"path": "nowhere.txt"}}, ("nowhere.txt",)),
        ({"lines": {"path": "folder"}}, ("folder",)),
        ({"lines": {"path": "."}}, (".: is a folder", "write '*'")),
        ({"jsonl": {"path": ["task.py", "nowhere.jsonl"]}}, ("nowhere.jsonl",)),
        ({"csv": {"path": "twice.csv"}}, ("twice.csv", "a")),
        ({"lines": {"path": "pipe"}}, ("pipe",)),
    ],
    ids=[
        "no root",
        "root is a file",
        "no file",
        "file is a folder",
        "the job's own folder",
        "no second",
        "columns",
        "pipe",
    ],
)
def test_an_input_that_is_not_there(place: Place, source: dict[str, object], says: tuple[str, ...]):
    """A missing or wrong input is an error with its path; nothing is written."""
    place.job(input=source)
    place.write("twice.csv", "a,b,a\n1,2,3\n")
    (place / "folder").mkdir()
    os.mkfifo(place / "pipe")
    before = place.listing()
    place.ftorch("submit", "job.yaml").expect(2, *says)
    assert place.listing() == before


@pytest.mark.parametrize(
    ("source", "output", "content"),
    [
        ({"files": {"root": "data"}}, "out.jsonl", b""),
        ({"lines": {"path": "empty"}}, "out.txt", b""),
        pytest.param({"range": {"stop": 0}}, "out.jsonl", b"", marks=pytest.mark.slow),
        pytest.param({"csv": {"path": "empty.csv"}}, "out.csv", None, marks=pytest.mark.slow),
        ({"jsonl": {"path": "empty"}}, "parts/", b""),
    ],
    ids=["files", "lines", "range", "csv", "jsonl parts"],
)
def test_an_empty_input(place: Place, source: dict[str, object], output: str, content: bytes | None):
    """An empty input succeeds, with an empty output, and plan and report say so."""
    fields = {"path": output} if not output.endswith("/") else {"path": output, "format": "jsonl"}
    place.job(input=source, output=fields)
    (place / "data").mkdir()
    place.write("empty", b"")
    place.write("empty.csv", b"a,b\n")
    assert "the input is empty" in place.ftorch("plan", "job.yaml").expect(0).out
    done = place.ftorch("submit", "job.yaml").expect(0)
    assert "  items       none: the input is empty" in done.out
    assert (place / output).exists()
    if content is not None and not output.endswith("/"):
        assert (place / output).read_bytes() == content
    assert "done" in place.ftorch("status").expect(0).out


def test_files_that_vanish_or_change_after_the_plan(place: Place):
    """A file that is gone when its turn comes is one failed item; the others are done, and exit is 1."""
    task = (
        "from pathlib import Path\n"
        "def f(item):\n"
        "    if item.key == 'a':\n"
        "        Path(item.path).with_name('b').unlink(missing_ok=True)\n"
        "    return len(item.read_bytes())\n"
    )
    place.job(task, input=FILES, resources={"threads": 1}, retry={"attempts": 2, "backoff": "1ms"})
    for name in "abc":
        place.write(f"data/{name}", name)
    report = place.submit(code=1)
    assert (report["items"], report["failed"], report["examples"][0]["key"]) == (3, 1, "b")
    assert report["examples"][0]["type"] == "FileNotFoundError"
    assert report["examples"][0]["attempts"] == 2
    assert [(record["key"], record["result"]) for record in place.records()] == [("a", 1), ("c", 1)]


def test_folders_and_files_that_cannot_be_read(place: Place, unprivileged: list[str]):
    """An unreadable folder is an error before the start, which says how to leave it out; a file is a failed item."""
    place.job(READ, input=FILES, retry={"attempts": 1})
    place.write("data/open", "12")
    place.write("data/shut/file", "123")
    place.write("data/secret", "1234").chmod(0)
    (place / "data/shut").chmod(0)
    try:
        refused = place.ftorch("submit", "job.yaml", prefix=unprivileged)
        without = ("--set", "input.files.exclude=[shut]")
        done = place.ftorch("submit", "job.yaml", *without, "--json", prefix=unprivileged)
    finally:
        (place / "data/shut").chmod(0o755)
    refused.expect(2, "data/shut: cannot be read: Permission denied", "exclude")
    report = done.expect(1).json()
    assert [(failure["key"], failure["type"]) for failure in report["examples"]] == [("secret", "PermissionError")]
    assert place.records() == [{"key": "open", "result": 2}]


def test_a_root_that_cannot_be_read(place: Place, unprivileged: list[str]):
    """An unreadable root is an error before the start."""
    place.job(READ, input=FILES)
    (place / "data").mkdir(mode=0)
    before = place.listing()
    place.ftorch("submit", "job.yaml", prefix=unprivileged).expect(2, "data", "ermission denied")
    assert place.listing() == before


def test_what_else_lies_in_a_tree(place: Place):
    """Links in circles, FIFOs, sockets and dangling links are passed over, followed links or not."""
    place.job(READ, input={"files": {"root": "data", "symlinks": "follow"}})
    place.write("data/sub/file", "123")
    (place / "data/sub/circle").symlink_to("..")
    (place / "data/self").symlink_to("self")
    (place / "data/dangling").symlink_to("nowhere")
    os.mkfifo(place / "data/fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(place / "data", os.O_DIRECTORY)
        try:
            listener.bind(f"/proc/self/fd/{here}/socket")
        finally:
            os.close(here)
        report = place.submit()
        assert report["items"] == 1
        assert report["notes"]
        skipped = place.submit("--set", "input.files.symlinks=skip", "--set", "output.overwrite=true")
    assert skipped["items"] == 1
    assert place.records() == [{"key": "sub/file", "result": 3}]


def test_links_that_leave_the_root(place: Place):
    """With `symlinks: inside`, a link to a file outside the root is passed over; with follow it is an item."""
    output = {"path": "out.jsonl", "overwrite": True}
    place.job(READ, input={"files": {"root": "data", "symlinks": "inside"}}, output=output)
    place.write("secret", "12345")
    place.write("data/own", "1")
    (place / "data/away").symlink_to("../secret")
    (place / "data/near").symlink_to("own")
    place.submit()
    assert [record["key"] for record in place.records()] == ["near", "own"]
    place.submit("--set", "input.files.symlinks=follow")
    assert [record["key"] for record in place.records()] == ["away", "near", "own"]


@pytest.mark.parametrize("output", ["out.jsonl", "out.txt"])
def test_names_that_are_not_utf8(place: Place, output: str):
    """A name that is not UTF-8 is an item like another, also where it fails and is shown."""
    task = "def f(item):\n    if 'bad' in item.key:\n        raise ValueError(item.key)\n    return item.size\n"
    template = {"template": "{result} {key}"} if output.endswith("txt") else {}
    place.job(task, input=FILES, output={"path": output, **template}, retry={"attempts": 1})
    for name in (b"caf\xe9", b"bad\xff\n", b"new\nline"):
        place.write(os.fsdecode(b"data/" + name), "1234")
    done = place.ftorch("submit", "job.yaml").expect(1)
    assert "bad" in done.out
    assert "ValueError" in done.out
    content = (place / output).read_bytes()
    assert b"caf" in content
    if output == "out.jsonl":
        assert place.results() == [4, 4]
    place.ftorch("report", "--json").expect(0).json()
    place.ftorch("submit", "--retry-failed", place.runs()[0], "-q").expect(1)


def test_lines_that_cannot_be_decoded(place: Place):
    """A line that is not UTF-8, or a record that is no JSON, is one failed item with its place."""
    place.write("in.jsonl", b'{"a": 1}\n{"a": \xff}\nnonsense\n{"a": 2}\n')
    place.job("def f(item):\n    return item['a']\n", input={"jsonl": {"path": "in.jsonl"}})
    report = place.submit(code=1)
    assert (report["items"], report["failed"]) == (4, 2)
    assert place.results() == [1, 2]
    failures = [json.loads(line) for line in Path(report["failures"]).read_bytes().splitlines()]
    assert [failure["attempts"] for failure in failures] == [1, 1]
    assert len({failure["key"] for failure in failures}) == 2


def test_a_damaged_compressed_file(place: Place):
    """A gzip file that is cut short fails visibly: exit is not 0, and no traceback is shown."""
    whole = gzip.compress(b"".join(b"%d\n" % n for n in range(5000)))
    place.write("in.gz", whole[: len(whole) // 2])
    place.job("def f(line):\n    return line\n", input={"lines": {"path": "in.gz"}})
    done = place.ftorch("submit", "job.yaml")
    assert done.code != 0
    assert "in.gz" in done.out + done.err
    assert "Traceback" not in done.err
