"""A run folder that somebody or something damaged: one message names the file and what to do; nothing is deleted."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.counting import Count
from tests.faults.jobs import ITEMS, KINDS
from tests.faults.sittings import RESUMABLE, Trouble

JSONL = KINDS["jsonl"]


@pytest.fixture
def halted(trouble: Trouble) -> Trouble:
    """A run that was stopped half-way, with at least one commit."""
    JSONL.write(trouble, 5 * ITEMS, timeout={"job": "700ms"})
    trouble.sit().expect(RESUMABLE)
    while not list((trouble.run / "shards/0/commits").glob("*")):
        trouble.sit().expect(RESUMABLE)
    JSONL.write(trouble, 5 * ITEMS)
    return trouble


def _resume(trouble: Trouble):
    return trouble.sit("--accept-changes", "--resume")


def _newest(run: Path, folder: str) -> Path:
    return max((run / folder).iterdir())


def _truncate(run: Path) -> Path:
    commit = _newest(run, "shards/0/commits")
    commit.write_bytes(commit.read_bytes()[:-10])
    return commit


def _empty(run: Path) -> Path:
    commit = _newest(run, "shards/0/commits")
    commit.write_bytes(b"")
    return commit


def _gap(run: Path) -> Path:
    first = min((run / "shards/0/commits").iterdir())
    (first.parent / "00000007").write_bytes(first.read_bytes())
    return first.with_name(f"{len(list(first.parent.iterdir())) - 1:08d}")


def _repeat(run: Path) -> Path:
    newest = _newest(run, "shards/0/commits")
    again = newest.with_name(f"{int(newest.name) + 1:08d}")
    again.write_bytes(newest.read_bytes())
    return again


def _other_version(run: Path) -> Path:
    commit = _newest(run, "shards/0/commits")
    commit.write_text(json.dumps(json.loads(commit.read_bytes()) | {"format": 99}))
    return commit


def _manifest_version(run: Path) -> Path:
    manifest = run / "job.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_bytes()) | {"format": 99}))
    return manifest


def _cut_manifest(run: Path) -> Path:
    manifest = run / "job.json"
    manifest.write_bytes(manifest.read_bytes()[:100])
    return manifest


def _cut_index(run: Path) -> Path:
    index = run / "plan/index.json"
    index.write_bytes(index.read_bytes()[:-5])
    return index


def _other_plan(run: Path) -> Path:
    """A plan that is shorter than what the ledger says was done."""
    index = run / "plan/index.json"
    plan = json.loads(index.read_bytes())
    plan["shards"][-1] = 1
    index.write_text(json.dumps(plan))
    return min((run / "shards/0/commits").iterdir())


def _no_plan_part(run: Path) -> Path:
    part = next(path for path in (run / "plan").iterdir() if path.name != "index.json")
    part.unlink()
    return part


def _cut_plan_part(run: Path) -> Path:
    part = next(path for path in (run / "plan").iterdir() if path.name != "index.json")
    part.write_bytes(part.read_bytes()[:-1])
    return part


def _folder_for_commit(run: Path) -> Path:
    commit = _newest(run, "shards/0/commits")
    commit.unlink()
    commit.mkdir()
    return commit


DAMAGES = [
    _truncate,
    _empty,
    _gap,
    _repeat,
    _other_version,
    _manifest_version,
    _cut_manifest,
    _cut_index,
    _other_plan,
    _no_plan_part,
    _cut_plan_part,
    _folder_for_commit,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__.strip("_"))
def test_a_damaged_run_is_told_by_one_message_and_left_as_it_is(damage: Callable[[Path], Path], halted: Trouble):
    """The message names the file and what to do, the exit code is 2, and every file is still there."""
    place = damage(halted.run)
    before = _files(halted.run)
    done = _resume(halted).expect(2, str(place))
    assert len(done.err.strip().splitlines()) == 2, done.err
    after = _files(halted.run)
    assert all(after.get(name) == data for name, data in before.items())
    assert not (halted / "out.jsonl").exists()


def _files(run: Path) -> dict[str, bytes]:
    kept = {"board", "crash.txt"}
    found = (path for path in run.rglob("*") if path.is_file() and path.name not in kept)
    return {str(path): path.read_bytes() for path in found}


@pytest.mark.parametrize("name", ["notes.txt", ".DS_Store", "0000000x"])
def test_a_foreign_file_among_the_commits_is_passed_over(name: str, halted: Trouble, count: Count):
    """A file that is no commit changes nothing, and stays."""
    foreign = halted.run / "shards/0/commits" / name
    foreign.write_text("mine")
    _resume(halted).expect(0)
    assert foreign.read_text() == "mine"
    count.check(JSONL.found(halted), JSONL.expected(range(5 * ITEMS)))


@pytest.mark.parametrize("how", ["missing", "short", "other bytes"])
def test_a_damaged_part_is_computed_again(how: str, halted: Trouble, count: Count):
    """A part that is missing, cut short or changed is found by length and checksum, and what it held is done again."""
    part = _newest(halted.run, "shards/0/parts")
    data = part.read_bytes()
    if how == "missing":
        part.unlink()
    else:
        part.write_bytes(data[:-7] if how == "short" else data[:100] + b"XX" + data[102:])
    _resume(halted).expect(0)
    count.check(JSONL.found(halted), JSONL.expected(range(5 * ITEMS)))


def test_code_that_changed_is_refused_unless_that_is_accepted(halted: Trouble, count: Count):
    """A run whose task's file is another one by now is not gone on with, but with --accept-changes."""
    task = halted / "task.py"
    task.write_text(task.read_text() + "# another line\n")
    halted.sit().expect(2, "task.py", "--accept-changes")
    _resume(halted).expect(0)
    count.check(JSONL.found(halted), JSONL.expected(range(5 * ITEMS)))
