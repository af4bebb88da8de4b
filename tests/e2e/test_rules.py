"""Retries, quarantine, the rules that end a run, --limit, and the order of results."""

import gzip
import json
from typing import Any

import pytest

from tests.command import Place

FLAKY = """
import threading
_tries = {}

def f(n):
    if n % 10 == 9:
        _tries[n] = _tries.get(n, 0) + 1
        if _tries[n] < 3:
            raise ValueError(f"try {_tries[n]} of {n}")
    return _tries.get(n, 1)
"""
FAILING = "def f(n, every):\n    if n % every == every - 1:\n        raise ValueError(n)\n    return n\n"


def test_a_task_finds_the_end_of_standard_input(place: Place):
    """Standard input is empty for a task and for what it starts: neither waits for it, nor takes what is not theirs."""
    place.job(
        "import subprocess, sys\n"
        "def f(n):\n    return sys.stdin.read() + subprocess.run(['cat'], capture_output=True, text=True).stdout\n",
        input={"range": {"stop": 20}},
        timeout={"item": "30s"},
    )
    assert place.submit()["failed"] == 0
    assert place.results() == [""] * 20


def test_items_are_tried_again(place: Place):
    """An item that fails twice and then does not is done at the third attempt; with two attempts it is a failed one."""
    place.job(FLAKY, input={"range": {"stop": 50}}, retry={"attempts": 3, "backoff": "1ms"})
    assert place.submit()["failed"] == 0
    assert place.results() == [3 if n % 10 == 9 else 1 for n in range(50)]
    options = ("--set", "retry.attempts=2", "--set", "output.overwrite=true")
    report = place.submit(*options, code=1)
    assert (report["failed"], report["items"]) == (5, 50)
    assert {(failure["error"], failure["attempts"]) for failure in report["examples"]} == {
        (f"try 2 of {n}", 2) for n in (9, 19, 29, 39, 49)
    }


@pytest.mark.parametrize(
    ("failures", "code", "reason"),
    [
        ({}, 1, "10 of 100 items failed"),
        pytest.param({"max_failed": 10}, 0, "", marks=pytest.mark.slow),
        ({"max_failed": 9}, 1, "allows 9"),
        ({"max_failed": "10%"}, 0, ""),
        pytest.param({"max_failed": "9.9%"}, 1, "allows 9", marks=pytest.mark.slow),
    ],
    ids=["none set", "number", "number exceeded", "share", "share exceeded"],
)
def test_how_many_items_may_fail(place: Place, failures: dict[str, Any], code: int, reason: str):
    """A run with as many failed items as allowed is done, with one more it is failed with exit 1."""
    fields = {"with": {"every": 10}, "failures": failures, "retry": {"attempts": 1}, "input": {"range": {"stop": 100}}}
    place.job(FAILING, **fields, resources={"threads": 1})
    report = place.submit(code=code)
    assert report["state"] == ("failed" if code else "done")
    assert reason in report["reason"]
    if not code:
        assert place.results() == [n for n in range(100) if n % 10 != 9]
        assert (report["failed"], len(report["examples"])) == (10, 5)


def test_a_run_that_stops_at_the_first_failure(place: Place):
    """With `policy: stop` the run ends early with exit 1 and no output; --retry-failed goes on with it."""
    source = "from pathlib import Path\ndef f(n):\n    if n == 5 and not Path(__file__).with_name('mended').exists():\n"
    source += "        raise ValueError(n)\n    return sum(range(20_000)) * 0 + n\n"
    fields = {"failures": {"policy": "stop"}, "retry": {"attempts": 1}, "input": {"range": {"stop": 5000}}}
    place.job(source, **fields)
    done = place.ftorch("submit", "job.yaml").expect(1)
    assert "failures.policy is stop" in done.out
    assert not (place / "out.jsonl").exists()
    status = place.ftorch("status", "--json").expect(0).json()
    assert status["items"] < 5000
    place.write("mended", "")
    place.ftorch("submit", "--retry-failed", place.runs()[0], "-q").expect(0)
    assert place.results() == list(range(5000))


INPUTS: dict[str, dict[str, Any]] = {
    "files": {"files": {"root": "data"}},
    "lines": {"lines": {"path": ["a.txt", "b.txt"]}},
    "gzip": {"lines": {"path": "c.txt.gz"}},
    "jsonl": {"jsonl": {"path": "d.jsonl"}},
    "csv": {"csv": {"path": "e.csv"}},
    "range": {"range": {"start": 10, "stop": -10, "step": -3}},
}


@pytest.mark.parametrize(
    "kind",
    ["files", "gzip", "csv", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("lines", "jsonl", "range"))],
)
def test_the_first_items_of_every_kind(place: Place, kind: str):
    """--limit takes just the first items, the same ones the whole run begins with; so do plan and a larger limit."""
    for n in range(6):
        place.write(f"data/{n}.txt", str(n))
    place.write("a.txt", "".join(f"a{n}\n" for n in range(3)))
    place.write("b.txt", "".join(f"b{n}\r\n" for n in range(4)))
    place.write("c.txt.gz", gzip.compress("".join(f"c{n}\n" for n in range(7)).encode()))
    place.write("d.jsonl", "".join(json.dumps({"n": n}) + "\n" for n in range(7)))
    place.write("e.csv", "n,m\n" + "".join(f'{n},"x\n{n}"\n' for n in range(7)))
    source = "def f(item):\n    return item.key if hasattr(item, 'key') else item\n"
    place.job(source, input=INPUTS[kind], output={"path": "out.jsonl", "overwrite": True})
    whole = place.submit()["items"]
    everything = place.records()
    assert len(everything) == whole == {"files": 6}.get(kind, 7)
    limited = place.submit("--limit", "4")
    assert limited["items"] == 4
    assert place.records() == everything[:4]
    assert place.submit("--limit", "1000")["items"] == whole
    assert place.records() == everything


def test_the_order_of_results(place: Place):
    """`order: finished` writes every record once, in any order; `order: input` in the input's."""
    source = "def f(n):\n    return sum(range(n * 7919 % 1000)) * 0 + n\n"
    place.job(source, input={"range": {"stop": 20_000}}, output={"path": "out.jsonl", "order": "finished"})
    place.submit("--threads", "4")
    finished = place.results()
    assert sorted(finished) == list(range(20_000))
    place.submit("--threads", "4", "--set", "output.order=input", "--set", "output.path=other.jsonl")
    assert place.results("other.jsonl") == list(range(20_000))


def test_what_a_timeout_of_the_job_does(place: Place):
    """A run that takes longer than `timeout.job` ends with exit 75, resumable; resumed without it, it is whole."""
    source = "def f(n):\n    return sum(range(300_000)) * 0 + n\n"
    place.job(source, input={"range": {"stop": 400}}, timeout={"job": "200ms"})
    report = place.submit(code=75)
    assert "timeout.job" in report["reason"]
    assert report["items"] < 400
    place.submit("--resume", "--set", "timeout.job=1h")
    assert place.results() == list(range(400))
