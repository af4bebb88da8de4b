"""A disk that fills up, turns read-only, or goes away, under the run's store."""

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.command import finish
from tests.faults.counting import Count
from tests.faults.jobs import ITEMS, KINDS
from tests.faults.sittings import RESUMABLE, Trouble, await_end

JSONL = KINDS["jsonl"]
# Long results: the parts, not the ledger, are what fills the disk.
LONG = "def f(n): return f'{work(n):>0400}'\n"
NEEDED = 4 << 20
ENOUGH = 3 << 19


@contextmanager
def mounted(target: Path, *words: str | Path) -> Iterator[None]:
    """Mount something on a folder for the length of the block; skips where this user cannot."""
    target.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *map(str, words), str(target)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(target)], check=True)


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def _fill(folder: Path, leave: int) -> Path:
    """Take all but so many bytes of a file system."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, _free(folder) - leave))
    return ballast


def _await_commit(trouble: Trouble, process: subprocess.Popen[str]) -> None:
    """Wait until the run has committed something."""
    commits = trouble.run / "shards" / "0" / "commits"
    while not (commits.is_dir() and any(commits.iterdir())):
        assert not await_end(process.pid, 0.02), "it ended before"


@pytest.mark.timeout(3600)
def test_a_disk_that_is_full_at_whatever_point_stops_a_run_which_goes_on_when_there_is_room(
    rounds: int, trouble: Trouble, count: Count
):
    """Wherever the store fills up, the run ends with 75 and says why; given room, it is brought to the right end."""
    codes = []
    points = max(20, rounds // 2)
    for number in range(points):
        place = Trouble(trouble.path / str(number))
        place.path.mkdir()
        place.job(f"{JSONL.task.partition('def')[0]}def f(n): return f'{{n:0400}}'\n", input={"range": {"stop": ITEMS}})
        with mounted(place.run, "-t", "tmpfs", "-o", f"size={NEEDED}", "tmpfs"):
            ballast = _fill(place.run, number * ENOUGH // points)
            done = place.sit()
            codes.append(done.code)
            assert "Traceback" not in done.err, done.err
            if done.code:
                done.expect(RESUMABLE, "No space left", str(place.run), "--resume")
            ballast.unlink()
            place.sit().expect(0)
            expected = [(n, f"{n:0400}") for n in range(ITEMS)]
            count.check(JSONL.found(place), expected)
    assert RESUMABLE in codes
    count.notes.append(f"{codes.count(RESUMABLE)} of {len(codes)} were stopped by the full disk")


@pytest.mark.parametrize("kind", KINDS)
def test_an_output_whose_disk_is_full_stops_the_run_which_goes_on(kind: str, trouble: Trouble, count: Count):
    """A full disk below the output, and not below the store, costs no item: 75, and the right result when resumed."""
    KINDS[kind].write(trouble)
    output = trouble / "disk"
    with mounted(output, "-t", "tmpfs", "-o", f"size={1 << 20}", "tmpfs"):
        place = KINDS[kind].output["path"]
        sets = ("--set", f"output.path=disk/{place}")
        ballast = _fill(output, 0)
        trouble.sit(*sets).expect(RESUMABLE, "No space left", "--resume")
        ballast.unlink()
        subprocess.run(["mount", "-o", "remount,size=100m", str(output)], check=True)
        trouble.sit(*sets).expect(0)
        found = Trouble(output)
        count.check(KINDS[kind].found(found), KINDS[kind].expected(range(ITEMS)))


@pytest.mark.parametrize("turn", range(3))
def test_a_store_that_turns_read_only_stops_the_run_which_goes_on(turn: int, trouble: Trouble, count: Count):
    """Half-way the store can no longer be written: one message, exit 75; when it can be again, the run goes on."""
    JSONL.write(trouble, 8 * ITEMS)
    trouble.run.mkdir()
    with trouble.start() as process:
        _await_commit(trouble, process)
        await_end(process.pid, random.Random(turn).uniform(0, 0.5))
        with mounted(trouble.run, "--bind", "-o", "ro", trouble.run):
            done = finish(process)
            assert done.code == RESUMABLE, done
            done.expect(RESUMABLE, "Read-only file system", "--resume")
            trouble.sit().expect(RESUMABLE, "Read-only file system", "--resume")
    trouble.sit().expect(0)
    count.check(JSONL.found(trouble), JSONL.expected(range(8 * ITEMS)))


def test_a_store_that_disappears_stops_the_run_which_goes_on_when_it_is_back(trouble: Trouble, count: Count):
    """The run's folder is renamed away half-way: a message, 75, nothing made in its place; back again, it goes on."""
    JSONL.write(trouble, 8 * ITEMS)
    with trouble.start() as process:
        _await_commit(trouble, process)
        trouble.run.rename(trouble / "away")
        finish(process).expect(RESUMABLE, str(trouble.run), "--resume")
    assert not trouble.run.exists()
    (trouble / "away").rename(trouble.run)
    trouble.sit().expect(0)
    count.check(JSONL.found(trouble), JSONL.expected(range(8 * ITEMS)))
