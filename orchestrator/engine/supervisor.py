"""The supervisor: starts the worker, listens to it, passes signals on, and has the board read for progress.

Guarantees: the worker does not outlive it; the first SIGTERM, SIGINT or the time limit asks the worker to finish
what runs, a second signal ends it at once. Assumes: it is used from the main thread.
"""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Self

from orchestrator.engine.protocol import (
    Channel,
    Ended,
    Load,
    Loaded,
    Merge,
    Message,
    Problem,
    Stop,
    Work,
    error_of,
)
from orchestrator.errors import FtorchError, Interrupted, WorkerDied

_TICK = 0.25


class Worker:
    """A worker process and the conversation with it; a context manager that leaves no process behind."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        reading, writing = os.pipe()
        options = [f"-X{name}={value}" for name, value in sys._xoptions.items() if name == "gil"]  # noqa: SLF001 - documented
        command = [sys.executable, *options, "-P", "-m", "orchestrator.engine.worker", str(writing)]
        try:
            # A process group of its own: Ctrl-C in a terminal reaches the supervisor alone, which then asks.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=2,
                pass_fds=[writing],
                env=dict(environment),
                process_group=0,
            )
        finally:
            os.close(writing)
        assert self._process.stdin is not None
        self.channel = Channel(os.fdopen(reading, "rb"), self._process.stdin)
        self.stop_asked: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def load(self, request: Load) -> None:
        """Have the worker import the task; `loaded` waits for its answer."""
        self.channel.send(request)

    def loaded(self) -> Loaded:
        """What the worker found when it imported the task.

        Raises:
            TaskError, GilError: what the worker raised.
            WorkerDied: importing the task killed it.
        """
        message = self.channel.receive()
        if isinstance(message, Loaded):
            return message
        raise self._failure(message, "importing the task")

    def work(self, work: Work, on_tick: Callable[[], None], time_limit: float | None) -> Ended:
        """Have the worker do a shard; `on_tick` is called four times a second meanwhile.

        Args:
            work: what to do.
            on_tick: shows progress.
            time_limit: seconds after which the run is stopped, resumable; None for no limit.

        Raises:
            FtorchError: what the worker raised.
            WorkerDied: it died of a signal.
        """
        self.channel.send(work)
        deadline = None if time_limit is None else time.monotonic() + time_limit
        with _Signals(self), selectors.DefaultSelector() as selector:
            selector.register(self.channel, selectors.EVENT_READ)
            while not selector.select(_TICK):
                on_tick()
                if deadline is not None and time.monotonic() >= deadline and self.stop_asked is None:
                    self.ask_to_stop(f"timeout.job: the run took longer than {time_limit:g} s")
            message = self.channel.receive()
        if isinstance(message, Ended):
            self._process.wait()
            return message
        raise self._failure(message, "the run")

    def merge(self, request: Merge) -> None:
        """Have the worker merge a fold's accumulators and store the value.

        Raises:
            FtorchError: what the worker raised.
        """
        self.channel.send(request)
        message = self.channel.receive()
        if not isinstance(message, Ended):
            raise self._failure(message, "merging the fold")

    def ask_to_stop(self, reason: str) -> None:
        """Ask the worker to finish what runs; asked again, it is killed."""
        if self.stop_asked is not None:
            self._process.kill()
            return
        self.stop_asked = reason
        self.channel.send(Stop(reason))

    def _failure(self, message: Message | None, during: str) -> FtorchError:
        if isinstance(message, Problem):
            self._process.wait()
            return error_of(message)
        code = self._process.wait()
        if self.stop_asked is not None:
            return Interrupted(f"{self.stop_asked}; the worker was ended at once", hint="Go on with --resume.")
        if code < 0:
            name = signal.Signals(-code).name
            return WorkerDied(-code, f"the worker died of {name} during {during}", hint="Go on with --resume.")
        return FtorchError(
            f"the worker ended during {during} with exit code {code}",
            hint="A task must not call os._exit; --resume.",
        )


class _Signals:
    """SIGTERM and SIGINT ask the worker to stop, for the duration of a with block."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._before: dict[int, object] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._on_signal)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._worker.ask_to_stop(f"stopped by {signal.Signals(number).name}")
