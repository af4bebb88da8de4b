"""Jobs made to lose capacity for one cause each, and their healthy twins: the same work without that cause."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CPUS = len(os.sched_getaffinity(0))
SCALE = max(1, CPUS // 2)
"""The jobs' sizes suit two CPUs."""

WORK = """
def work(turns=12_000):
    total = 0
    for i in range(turns):
        total += i & 7
    return total

"""

LOCKED = """
import threading
LOCK = threading.Lock()

def f(n):
    with LOCK:
        return work()
"""
UNLOCKED = """
import threading
OWN = threading.local()

def f(n):
    if not hasattr(OWN, "lock"):
        OWN.lock = threading.Lock()
    with OWN.lock:
        return work()
"""

# A counted object, read through a global name in every turn.
COUNTED = """
TABLE = {at: at + 1 for at in range(8)}

def f(n):
    total = 0
    for i in range(TURNS):
        total += TABLE[i & 7]
    return total
"""
BOUND = """
TABLE = {at: at + 1 for at in range(8)}

def f(n):
    total, table = 0, dict(TABLE)
    for i in range(TURNS):
        total += table[i & 7]
    return total
"""
# One object's lock, taken in every turn.
WRITTEN = """
SEEN = dict.fromkeys(range(8), 0)

def f(n):
    for i in range(TURNS):
        SEEN[i & 7] = i
    return n
"""
KEPT = """
def f(n):
    seen = dict.fromkeys(range(8), 0)
    for i in range(TURNS):
        seen[i & 7] = i
    return n
"""

SLEEPING = """
import time

def f(n):
    time.sleep(0.002)
    return work()
"""
PLAIN = """
def f(n):
    return work()
"""

# Many containers alive that a collection has to look at, and more made all the time.
LITTERING = """
import threading
OWN = threading.local()

def f(n):
    if not hasattr(OWN, "kept") or len(OWN.kept) > 400_000:
        OWN.kept = []
    OWN.kept.extend([i] for i in range(5_000))
    return work(2_000)
"""
TIDY = """
import threading
OWN = threading.local()

def f(n):
    if not hasattr(OWN, "kept") or len(OWN.kept) > 400_000:
        OWN.kept = []
    OWN.kept.extend(str(i) for i in range(5_000))
    return work(2_000)
"""

# A slow disk below the input: each read waits for a byte of a pipe.
SLOW_READING = """
import os, threading, time
from orchestrator.inputs.handle import Handle

taking, giving = os.pipe()

def feed():
    while True:
        time.sleep(0.01)
        os.write(giving, b".")

threading.Thread(target=feed, daemon=True).start()
quick = Handle.read

def slow(self, start, count):
    os.read(taking, 1)
    return quick(self, start, count)

Handle.read = slow

def f(line):
    return work(500)
"""
QUICK_READING = """
def f(line):
    return work(500)
"""

# A slow disk below the run's folder: each fsync takes a quarter of a second.
SLOW_WRITING = """
import os, time
quick = os.fsync

def slow(fd):
    time.sleep(0.25)
    quick(fd)

os.fsync = slow

def f(n):
    work()
    return "x" * 50_000
"""
QUICK_WRITING = """
def f(n):
    work()
    return "x" * 500
"""

UNEVEN = """
def f(n):
    return work(70_000_000 if n == LAST else 12_000)
"""

MATRICES = """
import numpy
from orchestrator import task

def make():
    return numpy.ones((600, 600))

@task(thread=make)
def f(n, ctx):
    return float((ctx.thread @ ctx.thread)[0, 0])
"""


@dataclass(frozen=True)
class Run:
    """One run of a job: its task, and what is special about it.

    Attributes:
        items: how many.
        constants: names that the task's file defines first.
        options: more options for `submit`.
        env: more environment.
        fields: more fields of the job file.
        lines: the input is a text file of so many lines, not a range.
        quota: CPUs that a cgroup allows, None without one.
        hogs: processes that take CPU time meanwhile.
    """

    source: str
    items: int = 11_000
    constants: Mapping[str, int] = field(default_factory=dict)
    options: tuple[str, ...] = ("--threads", str(max(2, CPUS)))
    env: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    lines: int = 0
    quota: float | None = None
    hogs: int = 0

    @property
    def text(self) -> str:
        """The task's file."""
        constants = {"TURNS": 10_000, "LAST": self.items - 1, **self.constants}
        return "".join(f"{name} = {value}\n" for name, value in constants.items()) + WORK + self.source


@dataclass(frozen=True)
class Pair:
    """A cause, a run that has it, and one that has not."""

    cause: str
    sick: Run
    healthy: Run
    detail: str = ""

    @property
    def name(self) -> str:
        """What it is called in the matrix."""
        return f"{self.cause} ({self.detail})" if self.detail else self.cause

    @property
    def file(self) -> str:
        """What its record is called."""
        return "-".join((self.cause, *self.detail.split()))


GIL_ON = {"runtime": {"backend": "threads"}}
ALWAYS = {"runtime": {"gc": "freeze"}}
MANY = ("--threads", str(4 * CPUS))

PAIRS = (
    Pair("gil", Run(PLAIN, 6_000, fields=GIL_ON, env={"PYTHON_GIL": "1"}), Run(PLAIN, fields=GIL_ON)),
    Pair("quota", Run(PLAIN, 6_000, quota=0.4 * CPUS), Run(PLAIN, quota=1.0 * CPUS + 1)),
    Pair("lock", Run(LOCKED, 6_000), Run(UNLOCKED)),
    Pair("sharing", Run(COUNTED, 4_000), Run(BOUND), "counted object"),
    Pair("sharing", Run(WRITTEN, 4_000), Run(KEPT, 14_000), "object lock"),
    Pair("crowding", Run(PLAIN, options=MANY), Run(PLAIN), "many threads"),
    Pair(
        "crowding",
        Run(MATRICES, 400, env={"OPENBLAS_NUM_THREADS": str(2 * CPUS)}),
        Run(MATRICES, 500),
        "native pool",
    ),
    Pair("neighbours", Run(PLAIN, 6_000, hogs=2 * CPUS), Run(PLAIN)),
    Pair("io", Run(SLEEPING, 1_400), Run(PLAIN)),
    Pair("gc", Run(LITTERING, 6_000, fields=ALWAYS), Run(TIDY, 8_000)),
    Pair("tail", Run(UNEVEN, 7_000), Run(PLAIN)),
    Pair("input", Run(SLOW_READING, lines=150_000), Run(QUICK_READING, lines=250_000)),
    Pair("output", Run(SLOW_WRITING, 400), Run(QUICK_WRITING)),
)
