"""What a job may have of the machine's memory, and how amounts are read and written."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import MachineError
from orchestrator.host.memory import (
    MemoryLimit,
    available_memory,
    decide_memory,
    resident_bytes,
    show_bytes,
    total_memory,
)

GIB = 1 << 30
LIMIT = MemoryLimit(2 * GIB, "/sys/fs/cgroup", "memory.max")


@pytest.mark.parametrize(
    ("request_", "total", "limit", "number", "reason"),
    [
        (None, 8 * GIB, LIMIT, 2 * GIB, "memory limit 2 GiB (memory.max at /sys/fs/cgroup)"),
        (None, GIB, LIMIT, GIB, "the machine's memory, 1 GiB"),
        (None, 8 * GIB, None, 8 * GIB, "the machine's memory, 8 GiB"),
        (None, None, None, None, "this machine does not say how much memory it has"),
        (GIB, 8 * GIB, LIMIT, GIB, "asked for by resources.memory: 1 GiB"),
        (2 * GIB, 8 * GIB, LIMIT, 2 * GIB, "asked for by resources.memory: 2 GiB"),
        (9 * GIB, None, None, 9 * GIB, "asked for by resources.memory: 9 GiB"),
    ],
)
def test_budget(request_, total, limit, number, reason):
    """What the job asks for counts, else the lowest of the cgroup's limit and the machine's memory."""
    budget = decide_memory(request_, total, limit)
    assert (budget.limit_bytes, budget.reason) == (number, reason)


@pytest.mark.parametrize(("total", "limit"), [(8 * GIB, LIMIT), (2 * GIB, None)])
def test_more_than_there_is(total, limit):
    """A job that asks for more than the machine or its cgroup has cannot run here: exit code 3."""
    with pytest.raises(MachineError, match=r"asks for 2\.5 GiB of memory, but there is less") as caught:
        decide_memory(5 * GIB // 2, total, limit)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (GIB, "1 GiB"),
        (GIB * 5 // 4, "1.25 GiB"),
    ],
)
def test_show_bytes(number, text):
    """Amounts are written in the largest binary unit they fill."""
    assert show_bytes(number) == text


@given(st.integers(0, 1 << 63))
def test_show_bytes_is_near(number):
    """The written amount is within half a percent of the real one."""
    amount, unit = show_bytes(number).split()
    factor = 1024 ** ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB").index(unit)
    assert abs(float(amount) * factor - number) <= number * 0.005


def test_meminfo(tmp_path):
    """Total and available memory are read from /proc/meminfo in bytes; a tree without one says nothing."""
    assert (total_memory(tmp_path), available_memory(tmp_path)) == (None, None)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal:       24684096 kB\nMemFree: 1 kB\nMemAvailable:   512 kB\n")
    assert (total_memory(tmp_path), available_memory(tmp_path)) == (24684096 * 1024, 512 * 1024)


@pytest.mark.parametrize("text", ["", "MemTotal:\n", "MemTotal: lots kB\n", "MemTotal 5 kB\n"])
def test_odd_meminfo(tmp_path, text):
    """A meminfo that makes no sense says nothing."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text(text)
    assert total_memory(tmp_path) is None


def test_this_machine():
    """This machine has memory, and this process uses a part of it."""
    total, resident = total_memory(), resident_bytes()
    assert total == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert resident is not None
    assert 1 << 20 < resident < total


def test_resident_follows_what_is_used():
    """The resident set grows by what the process touches."""
    before = resident_bytes()
    block = bytearray(os.urandom(1 << 20) * 64)
    after = resident_bytes()
    assert before is not None
    assert after is not None
    assert after - before > len(block) // 2
