"""`ftorch prune`: old runs are removed, and nothing else."""

import os
import shutil
import signal
import time
from pathlib import Path

import msgspec
import pytest

from tests.command import Place
from tests.report.test_collapse import comparison

SLOW = "import time\n\n\ndef f(n):\n    time.sleep(60)\n"


@pytest.fixture
def three(place: Place) -> list[Path]:
    """Three finished runs of a job, the oldest first."""
    place.job(output={"path": "out.jsonl", "overwrite": True})
    names = (place / ".ftorch/runs" / name for name in ("one", "three", "two"))
    return [Path(place.submit("--run", name)["folder"]) for name in names]


def test_the_newest_are_kept_and_outputs_stay(place: Place, three: list[Path]) -> None:
    """--keep 1 removes the older two with all their files; the output and the newest run are as they were."""
    told = place.ftorch("prune", "--keep", "1").expect(0).out.splitlines()
    assert [line.split(" (")[0] for line in told[:2]] == [f"removed {run.name}" for run in three[:2]]
    assert told[2:] == ["kept 1 run: one of the newest of its job"]
    assert place.runs() == three[2:]
    assert place.results() == [n * n for n in range(10)]
    place.ftorch("collect", three[2]).expect(0)


def test_a_dry_run_and_json_say_what_would_go(place: Place, three: list[Path]) -> None:
    """--dry-run removes nothing; --json says of each run whether it went, and why."""
    assert place.ftorch("prune", "--keep", "2", "--dry-run").expect(0).out.startswith(f"would remove {three[0].name} (")
    assert place.runs() == sorted(three)
    found = place.ftorch("prune", "--older", "0s", "--json").expect(0).json()
    assert [(one["run"], one["removed"], one["state"]) for one in found] == [(run.name, True, "done") for run in three]
    assert all(one["nbytes"] > 0 and one["reason"] == "old enough" for one in found)
    assert place.runs() == []
    assert place.ftorch("prune", "--keep", "2").expect(0).out == "no runs\n"


def test_what_is_at_work_stays_and_what_stopped_is_asked_for(place: Place) -> None:
    """A run at work stays whatever is asked; when it was killed it goes, but only with --unfinished."""
    place.job(SLOW)
    with place.popen("submit", "job.yaml", "--quiet") as process:
        while not (runs := place.runs()) or not list(runs[0].glob("shards/0/epochs/*")):
            assert process.poll() is None
        told = place.ftorch("prune", "--keep", "0", "--unfinished").expect(0).out
        assert told == "kept 1 run: a process works on it\n"
        os.kill(process.pid, signal.SIGKILL)
    told = place.ftorch("prune", "--keep", "0").expect(0).out
    assert told.startswith("kept 1 run: it is not finished (")
    assert place.runs() == runs
    while place.ftorch("prune", "--keep", "0", "--unfinished").expect(0).out.startswith("kept"):
        # The worker has not noticed yet that its supervisor is gone.
        pass
    assert place.runs() == []


def test_a_removal_that_was_cut_short_is_finished_by_the_next(place: Place, three: list[Path]) -> None:
    """A folder that was set aside to be removed is no run, and goes at the next call."""
    aside = three[0].with_name(f".removed-{three[0].name}-0123")
    shutil.move(three[0], aside)
    assert len(place.ftorch("runs", "--json").expect(0).json()) == 2
    place.ftorch("prune", "--keep", "5").expect(0)
    assert place.runs() == sorted(three[1:])


@pytest.fixture
def compared(place: Place) -> list[str]:
    """Kept comparisons: three of this job, the oldest first, one of another; and a file that is none."""
    jobs = {"a": ("place", 1000.0), "b": ("place", 2000.0), "c": ("place", time.time()), "d": ("other", 500.0)}
    for name, (job, created) in jobs.items():
        one = msgspec.structs.replace(comparison(job=job), created=created)
        place.write(f".ftorch/compare/{name}.json", msgspec.json.encode(one))
    place.write(".ftorch/compare/mine.json", "{}")
    return sorted(jobs)


def left(place: Place) -> list[str]:
    """The comparisons that are there still."""
    return sorted(path.stem for path in (place / ".ftorch/compare").glob("*.json"))


def test_comparisons_go_by_the_same_rules(place: Place, three: list[Path], compared: list[str]) -> None:
    """The newest of each job stay, and what is not old enough; each that goes is named, and what is none is left."""
    told = place.ftorch("prune", "--keep", "2", "--dry-run").expect(0).out.splitlines()
    assert [line.split(" (")[0] for line in told[:2]] == [f"would remove {three[0].name}", "would remove comparison a"]
    assert told[2:] == [f"kept {many}: one of the newest of its job" for many in ("2 runs", "3 comparisons")]
    assert left(place) == [*compared, "mine"]
    place.ftorch("prune", "--keep", "2").expect(0)
    assert left(place) == ["b", "c", "d", "mine"]
    told = place.ftorch("prune", "--keep", "0", "--older", "30d", "--json").expect(0).json()
    gone = {one["run"]: one["reason"] for one in told if one["kind"] == "comparison" and one["removed"]}
    assert gone == dict.fromkeys(("b", "d"), "not among the newest 0 of its job, old enough")
    assert all(Path(one["folder"]).name == f"{one['run']}.json" for one in told if one["kind"] == "comparison")
    assert left(place) == ["c", "mine"]
    assert place.runs() == sorted(three[1:])


def test_bad_input_is_told(place: Place) -> None:
    """No rule, a bad age and a missing folder each have their line."""
    place.ftorch("prune").expect(2, "say what may go: --keep N, --older AGE, or both")
    place.ftorch("prune", "--older", "soon").expect(2, "'soon': expected a length of time, such as")
    place.ftorch("prune", "nowhere", "--keep", "1").expect(2, "there is no such folder")
