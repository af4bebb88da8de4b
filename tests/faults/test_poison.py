"""Items that kill, hang or take all memory, among good ones: just they are set aside, each with what it did."""

import os
import statistics
from typing import Any

import pytest

from tests.command import Done
from tests.faults.counting import Count
from tests.faults.sittings import Trouble

TASK = """
import ctypes, os, signal
libc = ctypes.CDLL(None)
def segfault(): ctypes.string_at(0)
def abort(): os.abort()
def leave(): os._exit(3)
def bus(): signal.raise_signal(signal.SIGBUS)
def sleep_in_c(): libc.sleep(10000)
def spin_in_c(): 3 ** (10 ** 9)
def spin():
    while True: pass
def swallow():
    while True:
        try: spin()
        except Exception: pass
def allocate():
    held = bytearray(2 << 30)
    for at in range(0, len(held), 4096): held[at] = 1
    spin()
KINDS = [segfault, abort, leave, bus, sleep_in_c, spin_in_c, spin, swallow, allocate]
def f(n, step, first, poisons):
    at, rest = divmod(n - first, step)
    if rest == 0 and 0 <= at < poisons: KINDS[at % len(KINDS)]()
    return n
"""
# What is said of each: the type, and a word of the error.
SAID = [
    ("Crash", "SIGSEGV"),
    ("Crash", "SIGABRT"),
    ("Crash", "exit code 3"),
    ("Crash", "SIGBUS"),
    ("Timeout", "timeout.item"),
    ("Timeout", "timeout.item"),
    ("Timeout", "timeout.item"),
    ("Timeout", "timeout.item"),
    ("Memory", "resources.memory"),
]
# A greedy item never ends either: it must have taken its memory long before its time is over.
TIMEOUT = 2.0


def _job(trouble: Trouble, items: int, poisons: int, **more: Any) -> list[int]:
    """Write the job; gives its poison."""
    step = items // poisons
    trouble.job(
        TASK,
        input={"range": {"stop": items}},
        timeout={"item": f"{TIMEOUT}s"},
        resources={"memory": "1Gi"},
        failures={"max_failed": poisons, "max_crashes": 4 * poisons},
        **{"with": {"step": step, "first": step // 2, "poisons": poisons}, **more},
    )
    return [step // 2 + step * number for number in range(poisons)]


# A process of its own is not held to resources.memory: there it is the time that ends a greedy item.
SAID_OF_PROCESSES = [*SAID[:8], ("Timeout", "timeout.item")]


def _check(trouble: Trouble, items: int, poison: list[int], count: Count, said=SAID) -> list[dict[str, Any]]:
    """Just the poison is missing from the output, and told with its kind; gives the failures."""
    bad = frozenset(poison)
    found = [(record["key"], record["result"]) for record in trouble.records()]
    count.check(found, [(n, n) for n in range(items) if n not in bad], len(poison))
    failures = trouble.records(os.path.relpath(trouble.run / "failures.jsonl", trouble.path))
    assert [failure["key"] for failure in failures] == poison
    for at, failure in enumerate(failures):
        kind, words = said[at % len(said)]
        assert failure["type"] == kind, failure
        assert words in failure["error"], failure
    return failures


@pytest.mark.timeout(7200)
@pytest.mark.skipif("os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') < 4 << 30")
def test_exactly_the_poison_is_quarantined_with_what_it_did(rounds: int, trouble: Trouble, count: Count):
    """Each kind of poison costs its own item, told with signal, stack and attempts; every other item is done."""
    poisons, items = (12, 5_000) if rounds <= 20 else (min(rounds, 1_000), 100_000)
    poison = _job(trouble, items, poisons)
    trouble.sit(within=120.0 + 5.0 * poisons).expect(0)
    failures = _check(trouble, items, poison, count)
    for at, failure in enumerate(failures):
        kind = SAID[at % len(SAID)]
        assert failure["attempts"] == (1 if kind[0] == "Timeout" else 2), failure
        if kind[1].startswith("SIG") or kind[0] == "Timeout":
            assert "task.py" in failure["traceback"], failure


@pytest.mark.timeout(3600)
@pytest.mark.skipif("os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') < 4 << 30")
def test_the_poison_is_quarantined_on_processes_too(rounds: int, trouble: Trouble, count: Count):
    """With the GIL on, lanes are processes; the same poison costs the same items there."""
    poisons, items = (9, 3_000) if rounds <= 20 else (rounds // 4, 20_000)
    poison = _job(trouble, items, poisons)
    trouble.sit(within=120.0 + 5.0 * poisons, env={"PYTHON_GIL": "1"}).expect(0)
    _check(trouble, items, poison, count, SAID_OF_PROCESSES)


def _seconds(trouble: Trouble, *options: str) -> tuple[float, Done]:
    began = os.times().elapsed
    done = trouble.sit(*options).expect(0)
    return os.times().elapsed - began, done


@pytest.mark.timeout(3600)
def test_what_a_crash_costs_is_told(rounds: int, trouble: Trouble, count: Count):
    """Segfaults, as many as there are rounds a batch, beside the same job without one: the seconds of each are told."""
    crashes, costs = 5, []
    for number in range(max(2, rounds // 20)):
        taken = []
        for poisons in (0, crashes):
            place = Trouble(trouble.path / f"{number}-{poisons}")
            place.path.mkdir()
            task = TASK.replace("KINDS = [segfault, ", "KINDS = [segfault] * 1000 + [")
            arguments = {"step": 800, "first": 400, "poisons": poisons}
            place.job(task, input={"range": {"stop": 4000}}, failures={"max_failed": 5}, **{"with": arguments})
            taken.append(_seconds(place)[0])
            bad = range(400, 400 + 800 * poisons, 800)
            expected = [n for n in range(4000) if n not in bad]
            count.check(place.results(), expected, poisons)
        costs.append((taken[1] - taken[0]) / crashes)
    mean, most = statistics.mean(costs), max(costs)
    count.notes.append(f"a crash costs {mean:.2f} s on average, {most:.2f} s in the worst batch of {crashes}")


def test_more_crashes_than_allowed_end_the_run_which_can_go_on(trouble: Trouble):
    """The run ends with 128 + the signal's number when max_crashes is exceeded, says so, and goes on without poison."""
    trouble.job(
        "import ctypes\ndef f(n):\n    if n in (30, 60): ctypes.string_at(0)\n    return n\n",
        input={"range": {"stop": 100}},
        failures={"max_crashes": 1},
    )
    trouble.sit().expect(128 + 11, "SIGSEGV", "failures.max_crashes is 1", "--resume")
    trouble.write("task.py", "def f(n): return n\n")
    trouble.sit("--accept-changes", "--resume").expect(0)
    assert trouble.results() == list(range(100))


@pytest.mark.parametrize(
    ("task", "code", "words"),
    [
        ("import ctypes; ctypes.string_at(0)\ndef f(n): return n\n", 128 + 11, ("SIGSEGV", "importing the task")),
        ("import os; os._exit(4)\ndef f(n): return n\n", 2, ("exit code 4", "importing the task")),
    ],
    ids=["signal", "exit"],
)
def test_an_import_that_kills_the_worker_is_told(task: str, code: int, words: tuple[str, ...], trouble: Trouble):
    """A worker that dies before any item ends the command with one message; nothing was written."""
    trouble.job(task)
    trouble.sit().expect(code, *words)
    assert not trouble.run.exists()
