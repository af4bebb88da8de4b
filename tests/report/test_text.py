"""What a run's report says, line by line, for runs that went well and otherwise."""

import re

import msgspec
import pytest

from orchestrator.engine.runreport import OutputReport
from orchestrator.host.cgroups import Throttling
from orchestrator.host.cpus import ThreadDecision
from orchestrator.host.interpreter import BackendDecision
from orchestrator.measure.collecting import Collecting
from orchestrator.measure.node import ChunkReport, Pauses, ThreadReport
from orchestrator.report.text import report_text
from tests.report.samples import failure, node, report


def lines_of(text: str) -> dict[str, list[str]]:
    """The texts by label; a line without one belongs to the label above it."""
    found: dict[str, list[str]] = {}
    label = "title"
    for line in text.splitlines():
        match = re.fullmatch(r"  (\S.{10}|\s{11}) ?(.*)", line)
        label, rest = (match[1].strip() or label, match[2]) if match else ("title", line)
        found.setdefault(label, []).append(rest)
    return found


def test_a_good_run():
    """A run that went well says so in its first line, and then what it did and where everything is."""
    found = lines_of(report_text(report()))
    assert found["title"] == ["hash-1: done"]
    assert found["items"] == ["1,000, 5 MB"]
    assert found["threads"] == ["2: 2 CPUs in the affinity mask, no CPU quota"]
    assert found["time"] == ["2 s, 500 items/s, 2.5 MB/s; 250 ms of set-up before"]
    assert found["cpu"] == ["3.75 s, 250 ms of it in the kernel; each thread busy 97 % 50 %"]
    assert found["chunks"] == ["80 chunks of 1 to 32 items (12.5 on average), 25 ms each; 3 commits"]
    assert found["output"] == ["/jobs/out.jsonl (120 kB)"]
    assert found["run"] == ["/jobs/.ftorch/runs/hash-1"]
    assert {"failed", "next", "warning", "note", "gc", "throttled", "restart"}.isdisjoint(found)


def test_an_interrupted_run():
    """It says why it stopped, how far it came, and the command that goes on."""
    stopped = report(
        node(state="interrupted"), state="interrupted", reason="stopped by SIGTERM", items=400, nbytes=0, output=None
    )
    found = lines_of(report_text(stopped))
    assert found["title"] == ["hash-1: interrupted (stopped by SIGTERM)"]
    assert found["items"] == ["400 of 1,000"]
    assert found["next"] == ["ftorch submit --run /jobs/.ftorch/runs/hash-1 --resume"]
    assert "output" not in found


def test_a_run_with_failures():
    """The first few are shown, then how many more, where all of them are, and how to do them again."""
    examples = [failure(1), failure(2, attempts=1)]
    failed = report(state="failed", reason="7 items failed", failed=7, examples=examples, failures="/r/failures.jsonl")
    found = lines_of(report_text(failed))
    assert found["items"] == ["1,000, 5 MB, 7 failed"]
    assert found["failed"] == [
        "k1: ValueError: no 1 (tried 3 times)",
        "k2: ValueError: no 2",
        "and 5 more",
        "all of them, with tracebacks: /r/failures.jsonl",
        "do them again: ftorch submit --retry-failed /jobs/.ftorch/runs/hash-1",
    ]


def test_all_failures_shown():
    """Where every failed item is shown, there are no more to speak of."""
    text = report_text(report(failed=1, examples=[failure(1)], failures="/r/failures.jsonl"))
    assert "more" not in text


def test_an_empty_run():
    """A run of nothing says so, and divides by nothing."""
    idle = node(items=0, nbytes=0, wall_seconds=0.0, chunks=ChunkReport(), lanes=[], commits=0)
    found = lines_of(report_text(report(idle, total_items=0, items=0, nbytes=0, output=OutputReport("/o", 0, 1))))
    assert found["items"] == ["none: the input is empty"]
    assert found["chunks"] == ["none"]
    assert found["output"] == ["/o"]
    assert "items/s" not in found["time"][0]


def test_one_thread():
    """One thread is one number and one share."""
    alone = node(threads=ThreadDecision(1, "asked for"), lanes=[ThreadReport(0, 2.0, 2.0, 1.0, 1, 1000)])
    found = lines_of(report_text(report(alone)))
    assert found["threads"] == ["1: asked for"]
    assert found["cpu"][0].endswith("each thread busy 100 %")


def test_processes():
    """Where lanes are processes the label says so, with the reason, and the GIL's state."""
    gil = node(
        backend=BackendDecision("processes", "importing lxml turned the GIL on"), gil_enabled=True, gil_culprit="lxml"
    )
    found = lines_of(report_text(report(gil)))
    assert found["processes"] == [
        "2: 2 CPUs in the affinity mask, no CPU quota",
        "importing lxml turned the GIL on",
    ]
    assert found["python"] == ["3.14.7 free-threaded, GIL on"]
    assert "each process busy" in found["cpu"][0]


@pytest.mark.parametrize(("seconds", "told"), [(0.0, False), (0.02, False), (0.03, True), (30.0, True)])
def test_throttling_is_told_when_it_matters(seconds, told):
    """More than a hundredth of the time is told, with the group whose quota it was."""
    slow = node(throttled=Throttling("/kubepods/pod1", 20, 5, seconds))
    found = lines_of(report_text(report(slow)))
    assert ("throttled" in found) == told
    if told:
        assert found["throttled"][0].endswith("by the CPU quota (/kubepods/pod1)")


def test_pauses_of_the_collector():
    """Collections are told with their sum and the longest."""
    found = lines_of(report_text(report(node(pauses=Pauses(2, 0.5, 0.4)))))
    assert found["gc"] == ["2 pauses, 500 ms in all, the longest 400 ms"]


def test_how_garbage_was_collected():
    """A choice of the run is told with its reason, before the pauses; without one there is no row."""
    chosen = Collecting("off", 32_000, "threshold 32,000 for 9 % of the time in collections; off for little freed")
    found = lines_of(report_text(report(node(pauses=Pauses(2, 0.5, 0.4), collecting=chosen))))
    assert found["gc"] == [f"off: {chosen.reason}; 2 pauses, 500 ms in all, the longest 400 ms"]
    assert "gc" not in lines_of(report_text(report(node(collecting=Collecting("freeze", 2_000)))))


def test_warnings_notes_and_restarts():
    """What the user should know stands in lines of its own, in order."""
    text = report_text(
        report(node(warnings=["first", "second"]), notes=["1 symbolic link skipped"], restarts=["a worker died"])
    )
    found = lines_of(text)
    assert found["warning"] == ["first", "second"]
    assert found["note"] == ["1 symbolic link skipped"]
    assert found["restart"] == ["a worker died"]


def test_many_threads():
    """Only the first sixteen shares are shown, and how many there are."""
    many = node(lanes=[ThreadReport(at, 1.0, 0.5, 0.5, 1, 1) for at in range(64)])
    text = report_text(report(many))
    assert text.count("50 %") == 16
    assert "(64 in all)" in text


def test_total_unknown():
    """Where only reading could tell the total, a run that stopped gives no share of it."""
    assert lines_of(report_text(report(total_items=None, items=3, nbytes=0)))["items"] == ["3"]


def test_what_is_copied_stays_on_one_line():
    """A command is quoted as a shell wants it, and neither it nor a path with blanks is broken, however narrow."""
    text = report_text(report(state="interrupted", folder="/my jobs/run 1"), 40)
    assert "  next        ftorch submit --run '/my jobs/run 1' --resume" in text.splitlines()
    assert "  run         /my jobs/run 1" in text.splitlines()


def test_names_and_words_of_failures():
    """A newline in an item's name stays in its line; an exception without words is told by its name alone."""
    bad = msgspec.structs.replace(failure(1, attempts=1), key="a\nb\x1b[2J", type="SystemExit", error="")
    found = lines_of(report_text(report(failed=1, examples=[bad], failures="/r/failures.jsonl")))
    assert found["failed"][0] == r"a\nb\x1b[2J: SystemExit"


@pytest.mark.parametrize("width", [40, 80, None])
def test_width(width):
    """Wrapped lines keep to the width, paths and commands whole, and say the same words."""
    wrapped = report_text(report(), width)
    assert wrapped.split() == report_text(report()).split()
    if width is not None:
        assert all(len(line) <= width or " " not in line.strip()[14:] for line in wrapped.splitlines())
