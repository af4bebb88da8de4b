"""Starts a worker process, and imports almost nothing for it: `ftorch submit` does this first, so that the worker's
imports and its own happen at the same time.
"""

import os
import subprocess
import sys
from typing import NamedTuple

WORKER = "orchestrator.engine.worker"


class Spawned(NamedTuple):
    """A worker that was started: its process, whose standard input it listens to, and the pipe it answers on."""

    process: subprocess.Popen[bytes]
    answers: int

    def discard(self) -> None:
        """End a worker that nobody will talk to."""
        self.process.kill()
        self.process.wait()
        os.close(self.answers)
        if self.process.stdin is not None:
            self.process.stdin.close()


def spawn() -> Spawned:
    """Start a worker; it waits to be told what to load."""
    reading, writing = os.pipe()
    options = [f"-X{name}={value}" for name, value in sys._xoptions.items() if name == "gil"]  # noqa: SLF001 - documented
    command = [sys.executable, *options, "-P", "-m", WORKER, str(writing)]
    try:
        # A process group of its own: Ctrl-C in a terminal reaches the supervisor alone, which then asks.
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=2, pass_fds=[writing], process_group=0)
    finally:
        os.close(writing)
    return Spawned(process, reading)
