"""Processes of many shards whose run, input and output are in a bucket."""

from pathlib import Path

import pytest

from orchestrator.store.open import open_store
from tests.command import Place, finish


@pytest.mark.parametrize("form", ["jsonl", "tree"])
def test_a_run_in_shards_in_a_bucket(tmp_path: Path, s3: str, form: str) -> None:
    """Two processes of each index at once share a bucket: what stops was taken over, and the output is whole."""
    place = Place(tmp_path)
    source, out = open_store(f"{s3}/in"), open_store(f"{s3}/out")
    for number in range(12):
        source.put(f"{number:02d}.txt", [b"%d" % number])
    output = {"path": f"{s3}/out/all.jsonl"} if form == "jsonl" else {"path": f"{s3}/out", "format": "tree"}
    task = "def f(item):\n    return 'n' + item.read_bytes().decode()\n"
    place.job(task, input={"objects": {"url": f"{s3}/in"}}, output=output, kubernetes={"nodes": 1, "shards": 2})
    pods = [place.popen("submit", "job.yaml", "--run", f"{s3}/run", "--shard", str(index), "-q") for index in (0, 1, 1)]
    ended = [finish(process) for process in pods]
    for done in ended:
        assert done.code == 0 or (done.code == 75 and "taken over" in done.err), done.err
    names = list(out.list(""))
    assert len(names) == (1 if form == "jsonl" else 12), names
    if form == "jsonl":
        assert [line.count(b'"n') for line in out.get("all.jsonl").splitlines()] == [1] * 12
    assert place.ftorch("status", f"{s3}/run", "--json").expect(0).json()["state"] == "done"
    assert place.ftorch("report", f"{s3}/run", "--json").expect(0).json()["cluster"]["items"] == 12
