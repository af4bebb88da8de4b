"""What a tree of processes uses."""

import os
import subprocess
import sys

import pytest

from orchestrator.compare.usage import memory

WITH_A_ZOMBIE = """
import os, sys
child = os.fork()
if child == 0:
    os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
print("there", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="this kernel tells no proportional shares")
def test_a_process_that_has_ended_does_not_change_what_memory_is():
    """A tree with a zombie in it, which has no memory, is still measured by proportional shares."""
    command = [sys.executable, "-c", WITH_A_ZOMBIE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        nbytes, kind, _ = memory(process.pid)
        process.communicate("")
    assert kind == "PSS"
    assert nbytes > 0
