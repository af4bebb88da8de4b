"""ftorch as PID 1, as in a container."""

import signal
import subprocess
from pathlib import Path

import pytest

from tests.command import finish
from tests.faults.sittings import RESUMABLE, Trouble, await_end, children, strike

CONTAINER = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
ORPHANS = """
import os, pathlib, select
here = pathlib.Path(__file__).parent
def f(n):
    if n < 40:
        if not (child := os.fork()):
            if not os.fork(): os._exit(0)
            os._exit(0)
        os.waitpid(child, 0)
    if n == 50:
        # Zombies are let go of a few times a second: what is left after this many looks, stays.
        for _ in range(100):
            zombies = [p for p in os.listdir("/proc") if p.isdecimal() and b") Z" in _stat(p)]
            if not zombies: break
            select.select([], [], [], 0.05)
        (here / "zombies").write_text(f"{len(zombies)}")
    if n == 60: (here / "stuck").touch(); select.select([], [], [])
    return n
def _stat(pid):
    try: return pathlib.Path("/proc", pid, "stat").read_bytes()
    except OSError: return b""
"""


@pytest.fixture
def container() -> list[str]:
    """What to put before a command to make it PID 1; skips where this user cannot."""
    done = subprocess.run([*CONTAINER, "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot make a PID namespace: {done.stderr.strip()}")
    return CONTAINER


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_as_first_process_it_reaps_orphans_and_heeds_signals(
    number: signal.Signals, container: list[str], trouble: Trouble
):
    """Children that tasks left behind do not stay zombies; the signal that ends a container ends the run with 75."""
    trouble.job(ORPHANS, input={"range": {"stop": 100}}, timeout={"grace": "100ms"})
    with trouble.start(prefix=container) as process:
        while not all((trouble / name).exists() for name in ("stuck", "zombies")):
            assert not await_end(process.pid, 0.02), "it ended before"
        (first,) = children(process.pid)
        assert Path(f"/proc/{first}/status").read_text().split("NSpid:")[1].split()[1] == "1"
        strike(first, number)
        finish(process).expect(RESUMABLE, f"stopped by {number.name}")
    assert (trouble / "zombies").read_text() == "0"
