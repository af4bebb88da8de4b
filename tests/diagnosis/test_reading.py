"""What is read of threads and of the machine, from the kernel's texts and from real threads."""

import os
import threading

import pytest

from orchestrator.measure.looks import is_lock, parse_call
from orchestrator.measure.machine import CpuTimes, machine_between, parse_cpu_times, read_cpu_times
from orchestrator.measure.native import NativeWatch, known_libraries
from orchestrator.measure.shared import shared_names
from orchestrator.measure.threaduse import ThreadUse, between, parse_schedstat, parse_stat, parse_switches, read_thread

STAT = "7 (a (b) c) S 1 1 1 0 -1 4194304 33 0 5 0 240 30 0 0 20 0 3 0 62019 123 310 18446744073709551615 9 " + "0 " * 15
STAT += "12 0 0 0"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("88348830 87885058 121\n", (0.08834883, 0.087885058)),
        ("0 0 0\n", (0.0, 0.0)),
        ("", (None, None)),
        (None, (None, None)),
        ("x y z", (None, None)),
    ],
)
def test_schedstat(text, found):
    """Nanoseconds on a CPU and in the run queue; nothing of what is no number."""
    assert parse_schedstat(text) == found


def test_stat():
    """A name with blanks and brackets does not shift the fields; a short text is none."""
    ticks = os.sysconf("SC_CLK_TCK")
    assert parse_stat(STAT) == (240 / ticks, 30 / ticks, 5, 12 / ticks)
    assert parse_stat("7 (a) S 1 2") is None
    assert parse_stat(None) is None


def test_switches():
    """Both counts are found by name, and None where they are not."""
    text = "Name:\tx\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t3\n"
    assert parse_switches(text) == (12, 3)
    assert parse_switches(None) == (None, None)


def test_an_account_that_is_not_kept():
    """A kernel that writes zeros for a thread that ran has told nothing."""
    used = between(ThreadUse(1.0, 0.0, 0.0, 0.0, 0.0), ThreadUse(2.0, 0.0, 0.0, 0.9, 0.0))
    assert (used.at, used.run, used.delay, used.user) == (1.0, None, None, 0.9)


def test_a_real_thread():
    """What the calling thread used grows as it works."""
    if not os.path.exists("/proc/self/schedstat"):
        pytest.skip("this system has no /proc/self/schedstat")
    place = f"/proc/self/task/{threading.get_native_id()}"
    before = read_thread(place)
    total = 0
    while (used := between(before, read_thread(place))).run in (None, 0.0) or used.run < 0.02:
        total += sum(range(10_000))
    assert used.at > 0
    assert None not in (used.delay, used.user, used.system, used.voluntary, used.involuntary)


def test_a_thread_that_is_gone():
    """Nothing is known of it, and nothing is raised."""
    gone = read_thread("/proc/self/task/0")
    assert (gone.run, gone.delay, gone.user, gone.voluntary) == (None, None, None, None)


@pytest.mark.parametrize(
    ("text", "machine", "found"),
    [
        ("running\n", "x86_64", "running"),
        ("202 0x7f 0x189 0x0 0x0 0x0 0xff 0x7ff 0x7f0\n", "x86_64", "futex"),
        ("98 0x7f 0x189 0x0\n", "aarch64", "futex"),
        ("0 0x3 0x7f 0x20000\n", "x86_64", "read"),
        ("0 0x3\n", "riscv64", "system call 0"),
        ("-1 0x7ffd 0x7fed\n", "x86_64", "page fault"),
        ("", "x86_64", None),
        ("nonsense", "x86_64", None),
    ],
)
def test_what_a_thread_does(text, machine, found):
    """A system call by its name on this sort of machine, where it is known."""
    assert parse_call(text, machine) == found


def test_locks():
    """A futex is a lock; a read is none."""
    assert is_lock("futex")
    assert not is_lock("read")


CPU = """cpu  10 0 10 80 0 0 0 0
cpu0 1000 10 200 7000 50 5 5 30 400 0
cpu1 100 0 20 9000 5 0 0 0 0 0
cpu10 1 1 1 1 1 1 1 1
"""


def test_cpu_times():
    """Idle time, time waiting for a disk and stolen time are not busy; guests are counted once; other CPUs are not."""
    assert parse_cpu_times(CPU, [0], 100) == CpuTimes(12.2, 0.3)
    assert parse_cpu_times(CPU, [0, 1], 100) == CpuTimes(13.4, 0.3)
    assert parse_cpu_times(CPU, [0, 7], 100) is None
    assert parse_cpu_times("cpu0 0 0 0 0\n", [0], 100) is None
    assert parse_cpu_times(None, [0], 100) is None


def test_what_others_used():
    """What this process used is not theirs; none have used less than nothing."""
    before, after = CpuTimes(10.0, 1.0), CpuTimes(14.0, 1.5)
    machine = machine_between(before, after, 3.0)
    assert machine is not None
    assert (machine.others, machine.steal) == (1.0, 0.5)
    assert machine_between(before, after, 9.0).others == 0.0
    assert machine_between(None, after, 1.0) is None
    real = read_cpu_times(os.sched_getaffinity(0))
    assert real is None or real.busy > 0


def test_native_threads_are_not_ours():
    """Python's own threads are not native ones, nor is the main thread."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    watch = NativeWatch()
    watch.look([])
    done.set()
    thread.join()
    assert all(pool.name != thread.name for pool in watch.threads())


def test_libraries():
    """Libraries that start threads are known by their files' names, each once."""
    files = ["libgomp-a34b3233.so.1.0.0", "libscipy_openblas64_-ff651d7f.so", "libc.so.6", "libopenblas.so.0"]
    assert known_libraries(files) == ["OpenBLAS", "OpenMP (libgomp)"]


SOURCE = """
import os
TABLE = {1: 2}
NAMES = ["a"]
LIMIT = 1000

def f(n, ctx):
    for i in range(LIMIT):
        n += TABLE[i]
        n += 1
    return ctx.process, os.sep

def g(n):
    return n + LIMIT
"""


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (9, ["TABLE (module global, dict of 1)"]),
        (10, ["TABLE (module global, dict of 1)", "the process state (ctx.process)"]),
        (11, ["the process state (ctx.process)"]),
        (14, ["LIMIT (module global, int)"]),
        (3, ["TABLE (module global, dict of 1)"]),
        (99, []),
    ],
)
def test_what_a_line_shares(line, found):
    """Globals whose references are counted, and process state; those of the whole function where the line has none."""
    names: dict[str, object] = {}
    exec(SOURCE, names)
    assert shared_names(SOURCE, line, names) == found


def test_what_is_no_python():
    """A source that cannot be parsed shares nothing that could be named."""
    assert shared_names("def (", 1, {}) == []
