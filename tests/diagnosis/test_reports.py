"""The diagnosis in the report of a real run, as a user reads it."""

from tests.command import Place
from tests.diagnosis.jobs import WORK

# Who holds the lock sleeps, so that a busy machine changes nothing.
HELD = """
import threading, time
LOCK = threading.Lock()

def f(n):
    with LOCK:
        time.sleep(0.002)
"""


def test_a_run_that_is_too_short(tmp_path):
    """A run of a moment says that it is not judged, and names no cause."""
    done = Place(tmp_path).job().ftorch("submit", "job.yaml").expect(0)
    assert "  lost        not judged: the threads worked for" in done.out


def test_a_lock_is_named(tmp_path):
    """A job whose items take turns is told how much of the CPUs that costs, at which line, and what to do."""
    place = Place(tmp_path).job(HELD, input={"range": {"stop": 700}})
    done = place.ftorch("submit", "job.yaml", "--threads", "2").expect(0)
    lost = done.out.partition("  lost ")[2].partition("  items ")[0]
    assert "% of the CPU time there was" in lost
    assert "waiting for a lock" in lost
    assert "`with LOCK:`" in lost
    assert "keep it per thread" in lost


def test_processes_are_judged_too(tmp_path):
    """Where the lanes are processes, their time is accounted for as that of threads is."""
    place = Place(tmp_path).job(WORK + "def f(n):\n    return work()\n", input={"range": {"stop": 4000}})
    node = place.submit("--threads", "2", "--set", "runtime.backend=processes")["nodes"][0]
    account = node["diagnosis"]["account"]
    assert account["backend"] == "processes"
    assert [lane["use"]["run"] > 0.1 for lane in account["lanes"]] == [True, True]
    assert account["pauses"] is None
    assert {"lock", "io", "gil", "gc"}.isdisjoint(finding["cause"] for finding in node["diagnosis"]["findings"])
