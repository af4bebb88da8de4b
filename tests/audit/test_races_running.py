"""What running a task on a few items finds in programs that race, and that it finds nothing in correct ones."""

import builtins
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.audit.races.content import Content, TooLarge
from orchestrator.audit.races.running import run_races
from orchestrator.audit.races.trial import backwards, pairs
from orchestrator.spec.load import load_job, load_job_text
from tests.command import ROOT, Place

PROGRAMS = Path(__file__).with_name("programs")
DYNAMIC = sorted(path for path in (PROGRAMS / "racy").glob("*.py") if "\n# probe: yes\n" in path.read_text())
CORRECT = sorted((PROGRAMS / "correct").glob("*.py"))
A_FEW_RACY = ["alarm", "check_then_pop", "global_total", "iterate_and_change", "lazy_singleton", "shared_generator"]
A_FEW_CORRECT = ["called_under_lock", "double_checked", "setdefault", "thread_keyed", "thread_local"]
RULES = {"FT301", "FT302", "FT303", "FT304"}
# Python 3.15's, which is no dict.
FROZEN = getattr(builtins, "frozendict", dict)


def probed(path, stop=16, **fields):
    """What running a program finds, on the integers below `stop`."""
    job = {"task": f"./{path.name}:f", "input": {"range": {"stop": stop}}, "output": {"path": "out.jsonl"}, **fields}
    return run_races(load_job_text(json.dumps(job)), path.parent).findings


def races(path):
    """The rules of the races that running a program finds; it is an error if it could not be tried."""
    # A parameter without a default there is what the job's `with:` gives.
    found = probed(path, **({"with": {"factor": 3}} if "factor" in path.read_text().partition("@task")[2] else {}))
    assert all(one.rule in RULES for one in found), found
    return [one.rule for one in found]


@pytest.fixture(autouse=True)
def apart(tmp_path_factory, monkeypatch):
    """What the programs put into the system's folder for temporary files goes with the tests'."""
    monkeypatch.setenv("TMPDIR", str(tmp_path_factory.mktemp("temporary")))


@pytest.fixture
def task(tmp_path):
    """Writes task.py, whose function is `f`, and gives what running it finds."""

    def write(source, **more):
        (tmp_path / "task.py").write_text(source)
        return probed(tmp_path / "task.py", **more)

    return write


@pytest.mark.parametrize("name", A_FEW_RACY)
def test_racy_program_is_caught(name):
    """A program that races is caught, in one try."""
    assert races(PROGRAMS / "racy" / f"{name}.py")


@pytest.mark.parametrize("name", A_FEW_CORRECT)
def test_correct_program_is_left_alone(name):
    """A correct program that looks like a racy one has no finding."""
    assert races(PROGRAMS / "correct" / f"{name}.py") == []


@pytest.mark.slow
@pytest.mark.parametrize("path", DYNAMIC, ids=lambda path: path.stem)
def test_racy_programs_are_caught_nearly_always(path):
    """Each program whose race shows when it runs is caught in 9 of 10 tries at least."""
    assert sum(bool(races(path)) for _ in range(10)) >= 9


@pytest.mark.slow
@pytest.mark.parametrize("path", CORRECT, ids=lambda path: path.stem)
def test_correct_programs_are_never_blamed(path):
    """No correct program has a finding, in two tries."""
    assert [races(path) for _ in range(2)] == [[], []]


def test_finding_names_the_items_and_the_lines_that_met(task):
    """A finding has the variable, what it ended as, the two items, and the two lines."""
    [finding] = task("total = 0\n\n\ndef f(n):\n    global total\n    total += n + 1\n")
    assert (finding.rule, finding.severity, Path(finding.path).name, finding.line) == ("FT304", "warning", "task.py", 6)
    assert finding.detail["lines"] == "6, 6"
    assert set(finding.detail["items"].split(" and ")) <= set(map(str, range(16)))
    assert "total ends as" in finding.message
    assert "with one item after the other, as 136" in finding.message


BESIDE = """
total = 0

def add(n):
    global total
    seen = total
    total = seen + n + 1
"""


def test_modules_beside_the_task_are_watched(task, tmp_path):
    """A race in a module of the user's that the task imports is caught, with that module's file and lines."""
    (tmp_path / "beside_counts.py").write_text(BESIDE)
    [finding] = task("import beside_counts\n\ndef f(n):\n    beside_counts.add(n)\n")
    assert (finding.rule, Path(finding.path).name) == ("FT304", "beside_counts.py")
    assert finding.detail["name"] == "beside_counts.total"
    assert "of beside_counts.py" in finding.message
    (tmp_path / "beside_counts.py").write_text(BESIDE.replace("+ n + 1", "+ n + 1  # ftorch: ok FT101 only a hint"))
    assert task("import beside_counts\n\ndef f(n):\n    beside_counts.add(n)\n") == []


GUARDED = BESIDE.replace("total = 0", "import threading\nLOCK = threading.Lock()\ntotal = 0").replace(
    "    seen = total\n    total = seen + n + 1", "    with LOCK:\n        seen = total\n        total = seen + n + 1"
)


def test_correct_modules_beside_the_task_are_left_alone(task, tmp_path):
    """A module beside the task that holds a lock, and one whose object the task shares by name, has no finding."""
    (tmp_path / "beside_guarded.py").write_text(GUARDED)
    assert task("from beside_guarded import LOCK, add\n\ndef f(n):\n    add(n)\n    return n\n") == []


CRASHES = """
import os

busy = []

def f(n):
    busy.append(n)
    if len(busy) > 1:
        os.abort()
    busy.clear()
"""
LATE = "def f(n):\n    import beside_late\n    beside_late.add(n)\n"


def test_modules_that_an_item_imports_are_watched(task, tmp_path):
    """A race in a module that is imported only while an item runs is caught, with that module's file and lines."""
    (tmp_path / "beside_late.py").write_text(BESIDE)
    [finding] = task(LATE)
    assert (finding.rule, Path(finding.path).name, finding.line) == ("FT304", "beside_late.py", 7)
    assert (finding.detail["name"], finding.detail["lines"]) == ("beside_late.total", "7, 7")


def test_correct_modules_that_an_item_imports_are_left_alone(task, tmp_path):
    """One that holds a lock has no finding."""
    (tmp_path / "beside_late.py").write_text(GUARDED)
    assert task(LATE) == []


def test_a_crash_in_a_module_that_an_item_imports_has_its_lines(task, tmp_path):
    """What the process leaves behind that dies on threads names the late module's file."""
    (tmp_path / "beside_late.py").write_text(CRASHES.replace("f(n)", "add(n)"))
    [finding] = task(LATE)
    assert (finding.rule, Path(finding.path).name) == ("FT303", "beside_late.py")
    assert "of beside_late.py" in finding.message


KEEPS = {
    "file": "KEPT = open(__file__)",
    "thread": "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()",
    "memory": "import mmap\nKEPT = mmap.mmap(-1, 1)",
    "child": "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)",
}
COUNTS_IMPORTS = """
import pathlib
with pathlib.Path(__file__).with_name("imports").open("a") as file:
    file.write("x")
{keeps}
total = 0
def f(n):
    global total
    total += n + 1
"""


@pytest.mark.parametrize("name", [*KEEPS, "nothing"])
def test_runs_share_an_import_only_where_they_stay_apart(task, tmp_path, name):
    """A module is imported once for all runs, unless that leaves something that runs would have in common."""
    [finding] = task(COUNTS_IMPORTS.format(keeps=KEEPS.get(name, "")))
    assert (finding.rule, finding.detail["name"]) == ("FT304", "total")
    # Alone twice, by turns, and one round.
    assert len((tmp_path / "imports").read_text()) == (1 if name == "nothing" else 5)


def test_a_slow_task_is_tried_on_few_items(tmp_path):
    """Items that take their time are few, and rounds end with the budget; the probe says so."""
    (tmp_path / "task.py").write_text(SLOW.replace("monotonic", "thread_time").replace("1.2", "0.02"))
    job = {"task": "./task.py:f", "input": {"range": {"stop": 16}}, "output": {"path": "out.jsonl"}}
    tried = run_races(load_job_text(json.dumps(job)), tmp_path, 0.3)
    assert tried.findings == []
    assert 2 <= tried.probe.items <= 15
    assert (tried.probe.rounds, tried.probe.of, tried.probe.cut) == (2, 8, True)


SPARE = """
SPARE = []  # ftorch: ok FT304 as many as there are threads

def f(n):
    try:
        one = SPARE.pop()
    except IndexError:
        one = bytearray(8)
    SPARE.append(one)
    return n
"""


@pytest.mark.parametrize(
    "source",
    ["total = 0\ndef f(n):\n    global total\n    total += n + 1  # ftorch: ok FT101 only a hint\n", SPARE],
)
def test_comment_accepts_it(task, source):
    """What was accepted, by whatever rule, at the line or where the variable is named, is no finding."""
    assert task(source) == []
    assert "FT304" in [one.rule for one in task(source.replace("# ftorch", "#"))]


SLOW = """
import time

def f(n):
    end = time.monotonic() + 1.2
    while time.monotonic() < end:
        pass
"""

NOT_JUDGED = {
    "random": ("import random\ndef f(n):\n    return random.random()\n", "FT310", "the second time"),
    "exits": ("import os\ndef f(n):\n    os._exit(4)\n", "FT311", "exit code 4"),
    "crashes": ("import os\ndef f(n):\n    os.abort()\n", "FT311", "SIGABRT"),
    "lacking": ("def g(n):\n    return n\n", "FT311", "it is of type NoneType, not a function"),
    "slow": (SLOW, "FT311", "an item takes"),
}


@pytest.mark.parametrize("name", NOT_JUDGED)
def test_what_cannot_be_judged_is_a_note(task, name):
    """A task that is not deterministic, or does not end well alone, is told as such and not blamed."""
    source, rule, text = NOT_JUDGED[name]
    [finding] = task(source)
    assert (finding.rule, finding.severity) == (rule, "note")
    assert text in finding.message


def test_one_item_is_too_few(task):
    """Two threads need two items."""
    [finding] = task("def f(n):\n    return n\n", stop=1)
    assert (finding.rule, "fewer than two items" in finding.message) == ("FT311", True)


DEADLOCK = """
import threading

A, B = threading.Lock(), threading.Lock()

def f(n):
    one, two = (A, B) if n % 2 else (B, A)
    with one:
        str(n)
        with two:
            return n
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "rule", "text"),
    [
        ("def f(n):\n    while True:\n        pass\n", "FT311", "did not end within"),
        (DEADLOCK, "FT303", "did not end within"),
    ],
    ids=["alone", "deadlock"],
)
def test_a_task_that_hangs_is_told(task, source, rule, text):
    """A task that does not end alone is not tried; one that does not end on threads, a deadlock, is an error."""
    [finding] = task(source)
    assert (finding.rule, text in finding.message) == (rule, True), finding


def test_a_crash_on_threads_is_an_error(task):
    """A process that dies when two items are in the same lines is told with its signal and the lines."""
    [finding] = task(CRASHES)
    assert (finding.rule, finding.severity) == ("FT303", "error")
    assert "died of SIGABRT" in finding.message
    assert "lines" in finding.detail


def test_prints_and_forks_do_not_disturb(task, capfd):
    """What a task prints goes nowhere, and a copy of the process that it makes does not go on with the items."""
    source = """
import os

def f(n):
    print("hello")
    os.write(2, b"world")
    child = os.fork()
    if child:
        os.waitpid(child, 0)
    return n
"""
    assert task(source) == []
    assert capfd.readouterr() == ("", "")


ORDERLY = {
    "order": "seen = []\ndef f(n):\n    seen.append(n)\n    return len(seen)\n",
    "last": "last = None\ndef f(n):\n    global last\n    last = n\n    return n\n",
    "threads": "import threading\nseen = {}\ndef f(n):\n    seen[threading.get_ident()] = n\n    return n\n",
    "numbered": "import itertools\nnumbers = itertools.count()\ndef f(n):\n    return next(numbers)\n",
    "raises": "def f(n):\n    if n % 2:\n        raise ValueError(n)\n    return object()\n",
}


@pytest.mark.parametrize("name", ORDERLY)
def test_what_depends_on_the_order_is_no_race(task, name):
    """What another order, or another thread, gives by itself is not blamed on two threads at a time."""
    assert task(ORDERLY[name]) == []


def test_batch_form_and_states(task):
    """A batch form gets a list of one item; what writes to the process state is caught by its name."""
    source = """
from orchestrator import task

@task(process=dict, thread=list, batch=4)
def f(items, ctx):
    ctx.thread.append(items)
    ctx.process["items"] = ctx.process.get("items", 0) + len(items)
    return [len(ctx.thread) > 0 for _ in items]
"""
    [finding] = task(source)
    assert (finding.rule, finding.detail["name"]) == ("FT304", "ctx.process")


OBJECTS = "total = 0\ndef f(item):\n    global total\n    total += len(item.read_bytes())\n"


def objects(tmp_path, *sizes):
    """What running that task on the objects of a folder finds."""
    (tmp_path / "in").mkdir()
    for number, size in enumerate(sizes):
        with (tmp_path / "in" / f"{number}.bin").open("wb") as file:
            file.truncate(size)
    (tmp_path / "task.py").write_text(OBJECTS)
    return probed(tmp_path / "task.py", input={"objects": {"url": f"file://{tmp_path}/in"}})


def test_objects_are_fetched_once_and_tried(tmp_path):
    """A task that reads objects is run on the first of them."""
    [finding] = objects(tmp_path, *range(1, 6))
    assert (finding.rule, finding.detail["name"]) == ("FT304", "total")
    assert "as 15" in finding.message


def test_objects_that_cannot_be_fetched_are_told(tmp_path):
    """Objects that are not there, or too large to be fetched for this, are told of as such."""
    [finding] = objects(tmp_path, 1 << 30, 1)
    assert (finding.rule, "the first two have 1 GiB" in finding.message) == ("FT311", True)
    [finding] = probed(tmp_path / "task.py", input={"objects": {"url": f"file://{tmp_path}/gone"}})
    assert (finding.rule, "its objects could not be fetched" in finding.message) == ("FT311", True), finding


@given(st.integers(2, 40), st.booleans(), st.none() | st.integers(0, 9))
def test_every_item_runs_once_a_round(items, ahead, seed):
    """Whoever meets, each item runs once, with one other at most."""
    steps = pairs(items, ahead, seed)
    assert Counter(number for step in steps for number in step) == Counter(range(items))
    assert {len(step) for step in steps} <= {1, 2}


@given(st.integers(2, 40))
def test_no_item_keeps_its_place_backwards(items):
    """What depends on an item's place in the order differs for every item."""
    order = [number for (number,) in backwards(items)]
    assert sorted(order) == [*range(items)]
    assert all(number != place for place, number in enumerate(order))


class Own:
    """A class of this module."""

    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize(
    ("one", "other", "exact"),
    [
        ({1, "b", None}, {None, "b", 1}, True),
        ({"a": 1, "b": [2]}, {"b": [2], "a": 1}, True),
        (FROZEN(a=1, b=2), FROZEN(b=2, a=1), True),
        ([3, 1, 2], [1, 2, 3], False),
        (0.1 + 0.2, 0.3, False),
        (Own([1]), Own([1]), True),
        (object(), object(), True),
    ],
)
def test_equal_content_is_equal_text(one, other, exact):
    """Values that hold the same have the same text, whatever their addresses and the order of sets and dicts."""
    assert Content(frozenset((__name__,)), exact).text(one) == Content(__name__, exact).text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([3, 1], [1, 3]),
        (b"ab", bytearray(b"ab")),
        (0.1 + 0.2, 0.3),
        (Own(1), Own(2)),
        ("a" * 300, "a" * 299 + "b"),
        (FROZEN(a=1), FROZEN(a=2)),
    ],
)
def test_other_content_is_other_text(one, other):
    """Results that differ in order, type, a last digit or a distant letter have other texts."""
    assert Content(frozenset((__name__,)), exact=True).text(one) != Content(__name__, exact=True).text(other)


def test_content_ends():
    """A value that contains itself has a text, and a huge one is refused."""
    loop = []
    loop.append(loop)
    assert "…" in Content(frozenset((__name__,)), exact=True).text(loop)
    with pytest.raises(TooLarge):
        Content(frozenset((__name__,)), exact=True).text(list(range(200_000)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hashing", "thumbnails", "textnorm", "wordcount", "columns", "sums"])
def test_shipped_jobs_are_left_alone(name, tmp_path):
    """The shipped jobs, on input that their own scripts make, can be tried and have no finding."""
    folder = Path(shutil.copytree(ROOT / "jobs" / name, tmp_path / name, ignore=shutil.ignore_patterns("data", "out")))
    if (folder / "make_input.py").exists():
        subprocess.run([sys.executable, folder / "make_input.py", "--size", "small"], check=True, capture_output=True)
    tried = run_races(load_job(folder / "job.yaml"), folder)
    assert (tried.findings, tried.probe.items >= 2, tried.probe.rounds >= 2) == ([], True, True)


def test_command_runs_the_task_unless_told(tmp_path):
    """`ftorch audit` names the lines that met and ends with 1; with --no-probe the task is not run at all."""
    place = Place(tmp_path).job(
        "import pathlib\nmade = {}\ndef f(n):\n    pathlib.Path('ran').touch()\n"
        "    get = made.get\n    put = made.__setitem__\n    seen = get('n', 0)\n    put('n', seen + 1)\n    return n\n"
    )
    done = place.ftorch("audit", "job.yaml", "--no-probe")
    assert (done.code, (tmp_path / "ran").exists()) == (0, False), done.out
    done = place.ftorch("audit", "job.yaml", "--json")
    [finding] = [one for one in done.json()["findings"] if one["severity"] != "note"]
    assert (done.code, finding["rule"], finding["detail"]["name"]) == (1, "FT304", "made")
    assert (tmp_path / "ran").exists()
