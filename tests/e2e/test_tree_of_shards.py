"""A tree of files written by several shards: what one shard cannot see of the others is told at the end."""

from pathlib import Path

import pytest

from tests.command import Place

TEXT = "def f(n):\n    return str(n)\n"
SHARDS = {"shards": 2, "nodes": 2}


@pytest.mark.parametrize(("name", "files"), [("{key}.txt", 10), ("same.txt", 1)])
def test_items_that_name_one_file(place: Place, tmp_path: Path, name: str, files: int) -> None:
    """Files that items of several shards both name are counted when the run is published, and the report says so."""
    output = {"path": "tree", "format": "tree", "name": name}
    place.job(TEXT, output=output, kubernetes=SHARDS)
    run = tmp_path / "run"
    for shard in (0, 1):
        done = place.ftorch("submit", "job.yaml", "--run", run, "--shard", str(shard), "--json").expect(0).json()
    assert done["state"] == "done"
    assert done["output"]["files"] == files == len(list((place / "tree").iterdir()))
    told = [note for note in done["notes"] if "files fewer than there are results" in note]
    assert [note.split()[3] for note in told] == ([] if files == 10 else ["9"])
    assert ("items name the same files" in place.ftorch("report", run).expect(0).out) is bool(told)
