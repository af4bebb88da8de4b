"""Commands beside submit, on a job whose input and output are in a bucket: plan, scale, compare."""

import sys
from pathlib import Path

import pytest

from orchestrator.store.base import Store
from orchestrator.store.open import open_store
from tests.command import Place

PYTHON = getattr(sys, "_base_executable", sys.executable)
ALL = """
import hashlib

def f(item):
    with item.open() as file:
        again = file.read()
    data = item.read_bytes()
    assert data == again and len(data) == item.size
    for _ in range(2000):
        digest = hashlib.sha256(data)
    return [item.key, item.url, item.etag, item.mtime_ns, digest.hexdigest()]
"""
KEYS = [f"{number % 5}/{number:02} ü.bin" for number in range(60)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A folder for a job, where its temporary files go, too."""
    (tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    return Place(tmp_path)


@pytest.fixture
def store(s3: str, place: Place) -> Store:
    """A bucket with objects that the job takes."""
    store = open_store(s3)
    for number, key in enumerate(KEYS):
        store.put(f"in/{key}", [bytes([number]) * (100 + number)])
    place.job(ALL, input={"objects": {"url": f"{s3}/in"}}, output={"path": f"{s3}/out.jsonl"}, resources={"threads": 2})
    return store


def test_a_plan(store: Store, place: Place, s3: str) -> None:
    """The objects are counted, and nothing is written."""
    before = list(store.list(""))
    found = place.ftorch("plan", "job.yaml", "--json").expect(0).json()
    assert (found["items"], found["nbytes"]) == (60, sum(100 + number for number in range(60)))
    assert found["output"] == f"{s3}/out.jsonl"
    assert list(store.list("")) == before


def test_a_scaling_curve(store: Store, place: Place) -> None:
    """The objects are done again and again; nothing is written to the bucket, or left here."""
    before = list(store.list(""))
    options = ("--threads", "1,2", "--seconds", "0.1", "--repeats", "2", "--quiet", "--json")
    found = place.ftorch("scale", "job.yaml", *options).expect(0).json()
    assert found["complete"]
    assert list(store.list("")) == before
    assert list((place / "scratch").iterdir()) == []


def test_a_comparison(store: Store, place: Place) -> None:
    """Every contestant gets the same objects, copied here once, with all that an object has; the copies are removed."""
    before = list(store.list(""))
    options = ("--only", "threads,processes,interpreters", "--python", PYTHON, "--limit", "40")
    done = place.ftorch("compare", "job.yaml", *options, "--repeats", "1", "--json").expect(0)
    assert {row["name"]: row["refused"] for row in done.json()["rows"]} == dict.fromkeys(
        ["threads", "processes", "interpreters", "python"], ""
    )
    assert done.json()["items"] == 40
    assert any("downloaded first" in note for note in done.json()["notes"])
    assert list(store.list("")) == before
    assert list((place / "scratch").iterdir()) == []


def test_keys_that_are_no_files(store: Store, place: Place) -> None:
    """Where a key is the beginning of another one, a comparison says that it cannot have both as files."""
    store.put("in/0", [b""])
    place.ftorch("compare", "job.yaml", "--only", "threads,processes").expect(2, "a key is the beginning of another")
    assert list((place / "scratch").iterdir()) == []
