"""A run's folder: its manifest, its name, and where runs are kept."""

import re
from pathlib import Path

import msgspec
import pytest

from orchestrator.errors import RunConflict, RunDamaged, RunNotFound
from orchestrator.run import folder
from orchestrator.run.folder import Manifest, create_run, is_finished, list_runs, new_run_id, read_manifest, runs_folder
from orchestrator.spec.model import Input, JobSpec, RangeInput
from orchestrator.store.local import LocalStore
from orchestrator.store.memory import MemoryStore

SPEC = JobSpec(task="./t.py:f", input=Input(range=RangeInput(stop=10)), name="sums", arguments={"n": [1, "ü"]})


def manifest(run: str = "sums-1", created: float = 1.0) -> Manifest:
    """The manifest of a run."""
    return Manifest(
        id=run,
        job=folder.raw_job(SPEC),
        base="jobs/sums",
        job_file="jobs/sums/job.yaml",
        task_fingerprint="ab",
        output_format="jsonl",
        limit=None,
        created=created,
        versions={"ftorch": "0"},
    )


def test_a_manifest_is_read_as_it_was_written() -> None:
    """What a run was started with comes back, its job among it."""
    store = MemoryStore()
    create_run(store, manifest())
    found = read_manifest(store)
    assert found.spec == SPEC
    assert msgspec.structs.replace(found, job=b"") == msgspec.structs.replace(manifest(), job=b"")
    assert bytes(found.job) == bytes(manifest().job)


def test_a_run_begins_once(tmp_path: Path) -> None:
    """A folder that holds a run already is RunConflict, and its manifest stays."""
    create_run(LocalStore(tmp_path), manifest("first"))
    with pytest.raises(RunConflict) as caught:
        create_run(LocalStore(tmp_path), manifest("second"))
    assert str(tmp_path) in str(caught.value)
    assert "--resume" in (caught.value.hint or "")
    assert read_manifest(LocalStore(tmp_path)).id == "first"


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    """A folder without a manifest, or no folder at all, is RunNotFound and says where it looked."""
    (tmp_path / "other.json").write_text("{}")
    for place in [tmp_path, tmp_path / "absent"]:
        with pytest.raises(RunNotFound) as caught:
            read_manifest(LocalStore(place))
        assert caught.value.where == str(place)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"id": 1}', b"\xff"])
def test_a_damaged_manifest_is_told(tmp_path: Path, content: bytes) -> None:
    """A manifest that cannot be read is RunDamaged, with its name, and stays as it is."""
    path = tmp_path / "job.json"
    path.write_bytes(content)
    with pytest.raises(RunDamaged) as caught:
        read_manifest(LocalStore(tmp_path))
    assert caught.value.where == str(path)
    assert path.read_bytes() == content


def test_a_truncated_manifest_is_told(tmp_path: Path) -> None:
    """A manifest that was cut anywhere is RunDamaged."""
    create_run(LocalStore(tmp_path), manifest())
    path = tmp_path / "job.json"
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(RunDamaged):
            read_manifest(LocalStore(tmp_path))


def test_a_manifest_of_another_format_is_told() -> None:
    """A run of a newer ftorch is not guessed at."""
    store = MemoryStore()
    create_run(store, msgspec.structs.replace(manifest(), format=2))
    with pytest.raises(RunDamaged, match="has format 2") as caught:
        read_manifest(store)
    assert "version of ftorch" in (caught.value.hint or "")


def test_runs_are_listed_oldest_first(tmp_path: Path) -> None:
    """The runs of a folder come by age; files, other folders and damaged runs are passed over."""
    runs = runs_folder(tmp_path)
    for name, created in [("a", 3.0), ("b", 1.0), ("c", 2.0)]:
        create_run(LocalStore(runs / name), manifest(name, created))
    (runs / "empty").mkdir()
    (runs / "file").write_text("")
    (runs / "damaged").mkdir()
    (runs / "damaged/job.json").write_text("{")
    found = list_runs(tmp_path)
    assert [(store.root.name, run.id) for store, run in found] == [("b", "b"), ("c", "c"), ("a", "a")]


def test_no_runs_folder_is_no_runs(tmp_path: Path) -> None:
    """Where nothing ever ran there are no runs, and none are made."""
    assert list_runs(tmp_path) == []
    assert not runs_folder(tmp_path).exists()


def test_run_ids_tell_job_and_time_apart() -> None:
    """A run's name begins with the job's and the time; two made at once differ."""
    names = {new_run_id("hash-photos") for _ in range(20)}
    assert len(names) > 1
    assert all(re.fullmatch(r"hash-photos-\d{8}-\d{6}-[0-9a-f]{4}", name) for name in names)


def test_a_run_is_finished_when_its_report_is_there() -> None:
    """The report is the last thing that a run writes."""
    store = MemoryStore()
    create_run(store, manifest())
    assert not is_finished(store)
    store.put("report.json", [b"{}"])
    assert is_finished(store)
