"""From a run whose every item is settled to its output: whenever it dies, done again it gives the same."""

import json
from pathlib import Path

import msgspec
import pytest

from orchestrator.engine.folding import merge_fold
from orchestrator.engine.outcome import Outcome
from orchestrator.errors import TaskError
from orchestrator.run.folder import FOLD_RESULT
from orchestrator.store.memory import MemoryStore
from orchestrator.tasks.api import Fold
from tests.command import Place
from tests.engine.parts import Script, committer_of, owned, places, plan_of, sum_fold

FLAKY = """
from pathlib import Path
def f(n):
    if n % 4 == 2 and not Path("healed").exists():
        raise ValueError(f"no {n}")
    return n * n
"""
FOLD = """
from orchestrator import Fold, task
def add(seen, result):
    seen.append(result)
    return seen
def merge(seen, more):
    seen.extend(more)
    return seen
def finish(seen):
    return {"sum": sum(seen), "in order": seen == sorted(seen)}
@task(fold=Fold(zero=list, add=add, merge=merge, finish=finish))
def f(n):
    return n
"""
SQUARES = [n * n for n in range(10)]

OUTPUTS = [{"path": "out.jsonl"}, {"path": "parts/", "format": "csv"}]


def contents(place: Place, path: str) -> dict[str, bytes]:
    """The output's files by name."""
    root = place / path
    files = [root] if root.is_file() else sorted(root.rglob("*"))
    return {str(file.relative_to(place.path)): file.read_bytes() for file in files}


def run_of(place: Place) -> Path:
    """The folder of the only run."""
    [run] = place.runs()
    return run


@pytest.mark.parametrize("output", OUTPUTS, ids=["file", "parts"])
def test_collecting_again_gives_the_same(place, output):
    """The output is put together again from the parts, over the one that is there and where it was deleted."""
    place.job(output=output).submit()
    before = contents(place, output["path"])
    place.ftorch("collect", run_of(place)).expect(0)
    assert contents(place, output["path"]) == before
    for name in before:
        (place / name).unlink()
    place.ftorch("collect", run_of(place)).expect(0)
    assert contents(place, output["path"]) == before


@pytest.mark.parametrize(
    ("output", "lost"),
    [
        (OUTPUTS[0], ["report.json"]),
        (OUTPUTS[0], ["report.json", "published.json"]),
        (OUTPUTS[1], ["report.json", "published.json", "shards/0/report.json"]),
    ],
    ids=["before the report", "before the note of it", "parts, before the node's report"],
)
def test_killed_just_after_publishing(place, output, lost):
    """A run that died between writing its output and its report is finished by --resume; the output is the same."""
    place.job(output=output).submit()
    before, run = contents(place, output["path"]), run_of(place)
    for name in lost:
        (run / name).unlink()
    report = place.submit("--resume")
    assert (report["state"], report["items"], report["failed"]) == ("done", 10, 0)
    assert contents(place, output["path"]) == before
    assert (run / "report.json").exists()


def test_another_file_is_never_replaced(place):
    """What somebody put in the output's place is kept, and the run can be collected once it is gone."""
    place.job().submit()
    place.write("out.jsonl", "precious\n")
    place.ftorch("collect", run_of(place)).expect(2, "out.jsonl")
    assert (place / "out.jsonl").read_text() == "precious\n"
    (place / "out.jsonl").unlink()
    place.ftorch("collect", run_of(place)).expect(0)
    assert place.results() == SQUARES


def test_what_failed_is_filled_in_later(place):
    """After --retry-failed the output is what it would have been, in the place of the incomplete one."""
    place.job(FLAKY, retry={"attempts": 1}).submit(code=1)
    assert [record["key"] for record in place.records()] == [0, 1, 3, 4, 5, 7, 8, 9]
    run = run_of(place)
    told = [json.loads(line) for line in (run / "failures.jsonl").read_text().splitlines()]
    assert [(failure["key"], failure["error"]) for failure in told] == [(2, "no 2"), (6, "no 6")]
    place.write("healed", "")
    place.ftorch("submit", "--retry-failed", run).expect(0)
    assert place.results() == SQUARES


def test_a_fold_is_merged_in_order_and_again(place):
    """A fold's value is the finished accumulator; collecting merges it again and gives the same."""
    place.job(FOLD, input={"range": {"stop": 500}}, output={"path": "out.json"}).submit("--threads", "3")
    expected = {"sum": sum(range(500)), "in order": True}
    assert json.loads((place / "out.json").read_bytes()) == expected
    (place / "out.json").unlink()
    place.ftorch("collect", run_of(place)).expect(0)
    assert json.loads((place / "out.json").read_bytes()) == expected


def test_a_finish_that_raises_can_be_mended(place):
    """Where finish raises, the error says so and nothing is lost: with the code mended the run is finished."""
    place.job(FOLD.replace('{"sum"', '1 / 0 or {"sum"'), output={"path": "out.json"})
    place.ftorch("submit", "job.yaml").expect(2, "ZeroDivisionError")
    place.write("task.py", FOLD)
    place.ftorch("submit", "job.yaml", "--resume").expect(2, "the code of ./task.py:f", "--accept-changes")
    place.submit("--resume", "--accept-changes")
    assert json.loads((place / "out.json").read_bytes()) == {"sum": 45, "in order": True}


def test_an_incomplete_run_is_not_collected(place):
    """A run with missing items has no output yet; the error says how to finish it."""
    place.job("import os\ndef f(n):\n    os.kill(os.getppid(), 15)\n    return n\n", input={"range": {"stop": 100000}})
    place.ftorch("submit", "job.yaml", "--threads", "1").expect(75)
    place.ftorch("collect", run_of(place)).expect(2, "items are missing", "--resume")
    assert not (place / "out.jsonl").exists()


def folded(accumulators: list[object], fold: Fold) -> MemoryStore:
    """A store whose ledger holds these accumulators in gapless order, committed last first."""
    store, count = MemoryStore(), max(1, len(accumulators))
    plan_of(Script(places(count)), store=store)
    committer = committer_of(store, owned(store, count), fold)
    for at, accumulator in reversed(list(enumerate(accumulators))):
        committer.offer(Outcome(at, at + 1, None, accumulator, 1, 1))
        committer.commit()
    return store


def test_accumulators_of_all_commits_are_merged_in_input_order():
    """However the commits came, merging goes by the input."""
    store = folded([[1], [2], [3]], sum_fold())
    merge_fold(store, sum_fold())
    assert msgspec.json.decode(store.get(FOLD_RESULT)) == [1, 2, 3]


def test_a_fold_over_nothing():
    """Without items the value is what `finish` makes of an empty accumulator."""
    store = folded([], sum_fold())
    merge_fold(store, Fold(zero=list, add=sum_fold().add, merge=sum_fold().merge, finish=len))
    assert store.get(FOLD_RESULT) == b"0"


@pytest.mark.parametrize(
    ("fold", "message"),
    [
        (Fold(zero=list, add=max, merge=lambda _, other: other["x"]), "TypeError"),
        (Fold(zero=list, add=max, merge=lambda one, other: one + other, finish=lambda _: object()), "stored as JSON"),
    ],
    ids=["merge", "finish"],
)
def test_a_fold_that_raises_at_the_end(fold, message):
    """A merge or finish that raises, or gives no plain data, is an error of the task."""
    with pytest.raises(TaskError, match=message):
        merge_fold(folded([[1], [2]], sum_fold()), fold)
