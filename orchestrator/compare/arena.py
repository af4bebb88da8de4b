"""The near side of a stage: starts its process, asks, waits for the answer, and leaves nothing of it behind.

Guarantees: when `end` returns, no process that the stage started is left: its group is killed, and what left the
group dies with the stage. Assumes: it is used from one thread; Ctrl-C reaches only this process, so that an answer can
be given up on at any moment.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

import msgspec
import psutil

from orchestrator.compare.base import Command, Told
from orchestrator.compare.usage import tree
from orchestrator.errors import FtorchError

_PATIENCE = 10.0


class StageFailed(FtorchError):
    """A stage could not do what it was asked; the message is for the user."""


class Arena:
    """A stage's process; a context manager.

    Args:
        command: the command line, to which the number of the answering pipe is added.
        environment: what is added to the environment.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        reading, writing = os.pipe()
        self.began = time.perf_counter()
        try:
            self._process = subprocess.Popen(
                [*command, str(writing)],
                stdin=subprocess.PIPE,
                stdout=2,
                pass_fds=[writing],
                process_group=0,
                env={**os.environ, "PYTHONHASHSEED": "0", **environment},
            )
        except OSError as error:
            os.close(reading)
            raise StageFailed(f"{command[0]} cannot be started: {error.strerror}") from None
        finally:
            os.close(writing)
        self._answers = os.fdopen(reading, "rb")

    @property
    def pid(self) -> int:
        """The stage's process, the root of its tree."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def ask(self, do: str, **more: Any) -> Told:
        """Have something done, and wait for it.

        Raises:
            StageFailed: it could not be done, or the stage died.
        """
        return self.say(Command(do, **more))

    def say(self, message: Any) -> Told:
        """Send a message, and wait for the answer; otherwise like `ask`."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(msgspec.json.encode(message) + b"\n")
            self._process.stdin.flush()
        line = self._answers.readline()
        if not line:
            raise StageFailed(f"its process died: {self._death()}")
        told = msgspec.json.decode(line, type=Told)
        if told.error:
            raise StageFailed(told.error, where=told.where, hint=told.hint)
        return told

    def end(self) -> None:
        """End all of it, by asking first where that makes sense."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        left = tree(self.pid)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, _PATIENCE)
        self._answers.close()

    def _death(self) -> str:
        code = self._process.wait()
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def our_stage() -> list[str]:
    """The command line of a stage on this Python."""
    options = [f"-X{key}={value}" for key, value in sys._xoptions.items() if key == "gil"]  # noqa: SLF001 - documented
    return [sys.executable, *options, "-P", "-m", "orchestrator.compare.stage"]
