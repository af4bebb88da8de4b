"""What every contestant of a comparison must do: one suite, run for each of them through a stage of its own."""

import json
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from orchestrator.compare.arena import Arena, StageFailed
from orchestrator.compare.backends import Backend
from orchestrator.compare.choosing import Chooser
from orchestrator.compare.outcome import read_outcome
from orchestrator.compare.sample import Wanted, prepared
from orchestrator.compare.turn import Course, _translate, ready, take_turn
from orchestrator.compare.usage import tree
from orchestrator.spec.load import load_job
from tests.command import Place

STATES = """
import os
from orchestrator import task

def shared(base):
    return {"pid": os.getpid(), "base": base}

def own(process):
    yield [process["base"]]

@task(process=shared, thread=own)
def f(n, ctx, base, factor=3):
    assert ctx.process["pid"] == os.getpid()
    return ctx.thread[0] + factor * n
"""
BATCH = """
from orchestrator import task

@task(batch=4)
def f(numbers):
    if 6 in numbers:
        raise ValueError("no six")
    return [number * len(numbers) // len(numbers) for number in numbers]
"""
FOLD = """
from orchestrator import Fold, task

def add(total, word):
    total[word] = total.get(word, 0) + 1
    return total

def merge(one, other):
    return {word: one.get(word, 0) + other.get(word, 0) for word in sorted({*one, *other})}

@task(fold=Fold(zero=dict, add=add, merge=merge, finish=lambda total: {"words": total}))
def f(n):
    return "abc"[n % 3]
"""


class Contest:
    """A job in a folder, and a contestant to run it."""

    def __init__(self, place: Place, backend: Backend) -> None:
        self.place = place
        self.backend = backend
        self._number = 0

    def course(self, source: str, batch: int | None = None, is_fold: bool = False, **fields: object) -> Course:
        """What is to be run: a task, over the numbers 0 to 29 unless told, by two workers."""
        self._number += 1
        folder = self.place.path / f"made-{self._number}"
        folder.mkdir()
        self.place.job(source, **{"input": {"range": {"stop": 30}}, "output": None, **fields})
        spec = prepared(load_job(self.place / "job.yaml"), is_fold, 2)
        return Chooser(spec, self.place.path, folder, batch, lambda _: None)(Wanted(limit=10**6))[1]

    def lines(self, course: Course, size: int = 4) -> tuple[list[object], dict[int, str]]:
        """The results of a turn, decoded, and what failed."""
        with ready(self.backend, course) as (arena, _):
            return self.run(arena, course, size)

    def run(self, arena: Arena, course: Course, size: int) -> tuple[list[object], dict[int, str]]:
        """The results of one run on a stage that is ready."""
        assert arena.ask("run", size=size).run is not None
        path = Path(course.assignment.scratch) / "results"
        arena.ask("save", path=str(path))
        if self.backend.name == "python":
            _translate(course, path)
        outcome = read_outcome(path, course.items, course.is_fold)
        return [json.loads(line) for line in path.read_text().splitlines()], dict(outcome.failed)


class ContestantSuite:
    """The promises of `orchestrator.compare.base.Contestant`; a subclass gives the fixture `backend`."""

    @pytest.fixture
    def contest(self, tmp_path: Path, backend: Backend) -> Contest:
        """The contestant with a folder for a job."""
        if backend.refused:
            pytest.skip(backend.refused)
        return Contest(Place(tmp_path), backend)

    def test_every_item_has_its_result_in_order(self, contest: Contest) -> None:
        """Whatever the chunk size, and run after run, results stand in the order of the items."""
        course = contest.course("def f(n):\n    return {'n': n, 'text': 'x' * (n % 5)}\n")
        expected = [{"n": n, "text": "x" * (n % 5)} for n in range(30)]
        with ready(contest.backend, course) as (arena, startup):
            assert startup > 0
            for size in (1, 7, 100):
                assert contest.run(arena, course, size) == (expected, {})

    def test_an_item_alone_has_its_result_in_hand(self, contest: Contest) -> None:
        """Items can be done one at a time on a warm pool, before and after a run of all."""
        course = contest.course("def f(n):\n    return n\n")
        with ready(contest.backend, course) as (arena, _):
            for _ in range(2):
                latencies = arena.ask("ones", size=30, count=10, seconds=60.0).latencies
                assert len(latencies) == 10
                assert all(0 < latency < 60 for latency in latencies)
                assert contest.run(arena, course, 3)[0] == list(range(30))

    def test_states_are_made_in_every_worker(self, contest: Contest) -> None:
        """Process state is made in the worker's own process, thread state gets it, and `with:` reaches all three."""
        course = contest.course(STATES, **{"with": {"base": 100}})
        assert contest.lines(course) == ([100 + 3 * n for n in range(30)], {})

    def test_an_item_that_raises_costs_that_item(self, contest: Contest) -> None:
        """The others have their results, and what it raised is told in the same words by all contestants."""
        source = "def f(n):\n    if n in (3, 17):\n        raise ValueError(f'no {n}')\n    return -n\n"
        found, failed = contest.lines(contest.course(source))
        assert found == [-n for n in range(30) if n not in (3, 17)]
        assert failed == {3: "ValueError: no 3", 17: "ValueError: no 17"}

    def test_a_batch_task_gets_batches(self, contest: Contest) -> None:
        """A batch that raises is tried item by item; its good items are kept."""
        found, failed = contest.lines(contest.course(BATCH, batch=4))
        assert found == [n for n in range(30) if n != 6]
        assert failed == {6: "ValueError: no six"}

    def test_a_fold_has_one_value(self, contest: Contest) -> None:
        """Accumulators are merged in input order, and finished once."""
        [value], failed = contest.lines(contest.course(FOLD, is_fold=True))
        assert value == {"words": {"a": 10, "b": 10, "c": 10}}
        assert failed == {}

    def test_files_are_items(self, contest: Contest) -> None:
        """A task gets a file's path, key and size, whoever runs it."""
        for number in range(5):
            contest.place.write(f"tree/{number}.txt", "x" * number)
        source = "def f(file):\n    with file.open() as data:\n        text = data.read()\n"
        source += "    return [file.key, file.size, len(text), len(file.read_bytes()), len(open(file).read())]\n"
        course = contest.course(source, input={"files": {"root": "tree"}})
        assert contest.lines(course) == ([[f"{n}.txt", n, n, n, n] for n in range(5)], {})

    def test_a_task_that_cannot_be_imported_is_told(self, contest: Contest) -> None:
        """A stage whose workers cannot import the task says why; it neither waits nor starts workers for ever."""
        course = contest.course("import no_such_module_at_all\n\n\ndef f(n):\n    return n\n")
        with pytest.raises(StageFailed, match="no_such_module_at_all"), ready(contest.backend, course):
            pytest.fail("it started")

    def test_nothing_is_left(self, contest: Contest) -> None:
        """After its turn, and after one that breaks off in the middle, no process that it started is there."""
        course = contest.course("def f(n):\n    return n\n")
        started: list[psutil.Process] = []

        def turn(leave: Callable[[Arena], None]) -> None:
            with ready(contest.backend, course) as (arena, _):
                arena.ask("ones", size=30, count=1, seconds=1.0)
                started.extend(tree(arena.pid))
                leave(arena)

        turn(lambda _: None)
        with pytest.raises(KeyboardInterrupt):
            turn(_interrupt)
        assert started
        assert not [process for process in started if process.is_running()]

    def test_a_turn_is_measured(self, contest: Contest) -> None:
        """A turn gives seconds, CPU seconds, memory, bytes and latencies, and leaves no folder of its own."""
        source = "def f(n):\n    return sum(range(n, n + 20_000))\n"
        course = contest.course(source, input={"range": {"stop": 400}})
        sample, outcome = take_turn(contest.backend, course, 20)
        assert len(outcome.digests) == 400
        assert min(sample.startup, sample.seconds, sample.cpu_seconds, sample.peak) > 0
        assert (sample.nbytes > 0) is (contest.backend.name != "threads")
        assert len(sample.latencies) > 10
        assert not [path for path in Path(course.assignment.scratch).iterdir() if path.name.startswith("threads-")]


class SendingSuite(ContestantSuite):
    """What those must do, too, that send results from process to process."""

    def test_a_result_that_cannot_be_sent_costs_that_item(self, contest: Contest) -> None:
        """It is told which item's result cannot be pickled, and the others have theirs."""
        source = "def f(n):\n    return (lambda: n) if n == 5 else n\n"
        found, failed = contest.lines(contest.course(source))
        assert found == [n for n in range(30) if n != 5]
        assert list(failed) == [5]
        assert "pickle" in failed[5]

    def test_a_worker_that_dies_is_noticed(self, contest: Contest) -> None:
        """Where the pool would wait for ever for a dead worker's items, the stage says so instead."""
        course = contest.course("import os\n\n\ndef f(n):\n    if n == 20:\n        os._exit(3)\n    return n\n")
        with pytest.raises(StageFailed, match="died"), ready(contest.backend, course) as (arena, _):
            arena.ask("run", size=2)


def _interrupt(_: Arena) -> None:
    raise KeyboardInterrupt
