"""SIGTERM, Ctrl-C, a closed terminal, time limits: a run ends within its grace, and goes on where it was."""

import os
import pty
import signal
from contextlib import suppress

import pytest

from tests.command import ROOT, finish
from tests.faults.counting import Count
from tests.faults.jobs import ITEMS, KINDS, Strikes
from tests.faults.sittings import RESUMABLE, Trouble, await_end, children, strike

JSONL = KINDS["jsonl"]
GRACES = ("0s", "100ms", "5s")
STOPS = (signal.SIGTERM, signal.SIGINT)
# Items that say, each by a file, that they run; one of them does not end.
STUCK = """
import ctypes, pathlib
def f(n):
    if n == 700:
        pathlib.Path(__file__).with_name("stuck").touch()
        ctypes.CDLL(None).sleep(1000)
    return n
"""


def _check(trouble: Trouble, count: Count, items: int = ITEMS) -> None:
    count.check(JSONL.found(trouble), JSONL.expected(range(items)))


def _await_line(trouble: Trouble, process, name: str = "stuck") -> None:
    """Wait until the task has made that file."""
    while not (trouble / name).exists():
        assert not await_end(process.pid, 0.02), "it ended before"


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("number", STOPS, ids=lambda number: number.name)
@pytest.mark.parametrize("grace", GRACES)
def test_a_run_that_is_stopped_again_and_again_loses_and_repeats_nothing(
    number: signal.Signals, grace: str, strikes: Strikes
):
    """Stopped twice at random moments, with whatever grace, a run is brought to its end with the oracle's result."""
    kind = list(KINDS)[(GRACES.index(grace) + STOPS.index(number)) % len(KINDS)]
    strikes.make(kind, "supervisor", number, 1 / 20, timeout={"grace": grace})


@pytest.mark.parametrize("number", STOPS, ids=lambda number: number.name)
def test_what_does_not_end_within_the_grace_is_left_and_done_again(number: signal.Signals, trouble: Trouble):
    """An item that runs on when the grace is over does not hold up the stop; the run says 75, and can go on."""
    trouble.job(STUCK, input={"range": {"stop": 1000}}, timeout={"grace": "100ms"})
    with trouble.start() as process:
        _await_line(trouble, process)
        strike(process.pid, number)
        done = finish(process)
    done.expect(RESUMABLE, f"stopped by {number.name}")
    assert trouble.left_behind() == []
    trouble.write("task.py", "def f(n): return n\n")
    trouble.sit("--accept-changes", "--resume").expect(0)
    assert trouble.results() == list(range(1000))


def test_a_second_ctrl_c_ends_the_run_at_once(trouble: Trouble):
    """While an item holds up the stop for its long grace, a second SIGINT ends the run with 75."""
    trouble.job(STUCK, input={"range": {"stop": 1000}}, timeout={"grace": "10m"})
    with trouble.start() as process:
        _await_line(trouble, process)
        strike(process.pid, signal.SIGINT)
        assert not await_end(process.pid, 0.5), "an item still runs"
        strike(process.pid, signal.SIGINT)
        finish(process).expect(RESUMABLE, "SIGINT", "at once", "Go on with: ftorch submit --run /")


def test_time_limit_of_the_job_ends_the_run_so_that_it_can_go_on(trouble: Trouble, count: Count):
    """A run that takes longer than timeout.job ends with 75 and says so; resumed often enough, it is whole."""
    JSONL.write(trouble, 8 * ITEMS, timeout={"job": "500ms"})
    first = trouble.sit()
    first.expect(RESUMABLE, "timeout.job")
    codes = [trouble.sit().code for _ in range(40) if not (trouble / "out.jsonl").exists()]
    assert codes[-1] == 0
    assert set(codes[:-1]) <= {RESUMABLE}
    _check(trouble, count, 8 * ITEMS)


def test_nohup_keeps_a_run_going_when_its_terminal_closes(trouble: Trouble, count: Count):
    """Under nohup, SIGHUP changes nothing."""
    JSONL.write(trouble)
    with trouble.start(prefix=["nohup"], stdin=-3) as process:
        while not children(process.pid) and not await_end(process.pid, 0.02):
            pass
        for pid in (*children(process.pid), process.pid):
            strike(pid, signal.SIGHUP)
        finish(process).expect(0)
    _check(trouble, count)


def test_a_terminal_that_closes_interrupts_a_run_which_can_go_on(trouble: Trouble, count: Count):
    """A run whose terminal closes ends as interrupted, leaves no process, and is resumed to the right result."""
    JSONL.write(trouble, 24 * ITEMS)
    ours, theirs = pty.openpty()
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with trouble.start(start_new_session=True, prefix=["setsid", "--ctty", "--wait"], **streams) as process:
        os.close(theirs)
        while not (trouble.run / "shards").exists():
            assert not await_end(process.pid, 0.02), "it ended before"
        os.close(ours)
        process.wait()
    assert trouble.left_behind() == []
    assert not (trouble / "out.jsonl").exists()
    trouble.sit().expect(0)
    _check(trouble, count, 24 * ITEMS)


def test_a_thread_stuck_in_c_does_not_hold_up_what_the_others_did(trouble: Trouble):
    """An item that never comes back from C is quarantined as a timeout; every other result is committed."""
    trouble.job(STUCK, input={"range": {"stop": 5000}}, timeout={"item": "500ms"}, failures={"max_failed": 1})
    trouble.sit("--threads", "3").expect(0)
    assert trouble.results() == [n for n in range(5000) if n != 700]
    (failure,) = trouble.records(os.path.relpath(trouble.run / "failures.jsonl", trouble.path))
    assert (failure["key"], failure["type"]) == (700, "Timeout")
    assert "task.py" in failure["traceback"]


def test_a_new_worker_is_not_held_to_what_the_last_one_was_told(trouble: Trouble):
    """After an item that was left behind, a worker that is slow to start is not ended, and costs no other item."""
    # As on a machine on which every start takes longer than a worker may take to hear of its end.
    trouble.write("sitecustomize.py", "import orchestrator.engine.keeper as keeper\nkeeper._PATIENCE = 0.0\n")
    trouble.job(STUCK, input={"range": {"stop": 5000}}, timeout={"item": "200ms"})
    found = trouble.sit("--threads", "3", env={"PYTHONPATH": f"{ROOT}{os.pathsep}{trouble.path}"})
    found.expect(1)
    assert trouble.results() == [n for n in range(5000) if n != 700]


def test_a_signal_while_a_new_worker_loads_its_task_ends_the_run(trouble: Trouble):
    """After a crash, a stop is heard although the next worker hangs in its imports."""
    trouble.job(
        "import os, pathlib, ctypes, threading\n"
        "here = pathlib.Path(__file__).parent\n"
        "if (here / 'crashed').exists():\n"
        "    (here / 'loading').touch(); threading.Event().wait()\n"
        "def f(n):\n"
        "    if n == 5: (here / 'crashed').touch(); ctypes.string_at(0)\n"
        "    return n\n"
    )
    with trouble.start() as process:
        _await_line(trouble, process, "loading")
        strike(process.pid, signal.SIGTERM)
        finish(process).expect(RESUMABLE, "stopped by SIGTERM", "--resume")
    with suppress(FileNotFoundError):
        (trouble / "crashed").unlink()
