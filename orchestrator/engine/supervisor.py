"""The supervisor's side of a worker process: starts it, talks with it, and leaves none behind.

Guarantees: the worker does not outlive the supervisor, whatever ends that (PR_SET_PDEATHSIG). Assumes: it is used from
the main thread.
"""

import fcntl
import mmap
import os
import select
import signal
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from orchestrator.engine.protocol import (
    Channel,
    Ended,
    Expire,
    Load,
    Loaded,
    Measured,
    Merge,
    Message,
    Problem,
    Replace,
    Stop,
    Sweep,
    Work,
    error_of,
)
from orchestrator.engine.recovery import Death
from orchestrator.engine.spawn import Spawned, spawn
from orchestrator.errors import FtorchError, WorkerDied
from orchestrator.host.mounts import read_text


class Worker:
    """A worker process and the conversation with it; a context manager that leaves no process behind."""

    def __init__(self, spawned: Spawned | None = None) -> None:
        self._process = spawn() if spawned is None else spawned
        self._listens = os.fdopen(self._process.listens, "wb")
        self.channel = Channel(os.fdopen(self._process.answers, "rb"), self._listens)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self.channel.close()

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

    def has_spoken(self) -> bool:
        """Whether the worker has said something, or is gone; does not wait."""
        return self.channel.pending or bool(select.select([self.channel], [], [], 0)[0])

    def begin(self, work: Work) -> None:
        """Have the worker do a shard; `finished` says when it is over."""
        self.channel.send(work)

    def finished(self) -> Ended | Death:
        """How the shard's work ended; waits for it, so call it when the channel has something to read.

        Raises:
            FtorchError: what the worker raised.
        """
        message = self.channel.receive()
        if isinstance(message, Ended):
            self._process.wait()
            return message
        if isinstance(message, Problem):
            self._process.wait()
            raise error_of(message)
        return Death(self._process.wait())

    def sweep(self, request: Sweep) -> Iterator[Measured]:
        """Have the worker measure windows; each of them, as it comes.

        Raises:
            FtorchError: what the worker raised.
        """
        self.channel.send(request)
        while isinstance(message := self.channel.receive(), Measured):
            yield message
        if not isinstance(message, Ended):
            raise self._failure(message, "measuring how the job scales")

    def merge(self, request: Merge) -> None:
        """Have the worker merge a fold's accumulators and store the value.

        Raises:
            FtorchError: what the worker raised.
        """
        self.channel.send(request)
        message = self.channel.receive()
        if not isinstance(message, Ended):
            raise self._failure(message, "merging the fold")

    def tell(self, message: Stop | Expire | Replace) -> None:
        """Tell the worker something while it works."""
        self.channel.send(message)

    def kill(self) -> None:
        """End the worker at once."""
        self._process.kill()

    def unheard(self) -> bool:
        """Whether the worker has not read all that it was told (ioctl_fionread on the pipe)."""
        if self._listens.closed:
            return False
        waiting = bytearray(4)
        fcntl.ioctl(self._listens, termios.FIONREAD, waiting)
        return any(waiting)

    def abort(self, lane: int) -> None:
        """End the worker by SIGABRT in a lane's thread, so that faulthandler writes where that thread is.

        A thread that spins in C code without ever detaching from the interpreter stops every other one as soon as the
        world is to be stopped (a garbage collection, a look at the threads' stacks): nothing inside can end it.
        """
        import ctypes

        pid = self._process.pid
        for name in Path(f"/proc/{pid}/task").glob("*/comm"):
            if (read_text(name) or "").strip() == f"ftorch-{lane}":
                # glibc 2.30 and musl 1.2.1 have it; os.kill cannot choose a thread.
                tgkill = getattr(ctypes.CDLL(None), "tgkill", None)
                if tgkill is not None and tgkill(pid, int(name.parent.name), signal.SIGABRT) == 0:
                    return
        self.kill()

    @property
    def pid(self) -> int:
        """The worker's process."""
        return self._process.pid

    def resident(self) -> int | None:
        """Bytes of memory that the worker has resident (/proc; None elsewhere)."""
        text = read_text(Path(f"/proc/{self._process.pid}/statm"))
        return None if not text else int(text.split()[1]) * mmap.PAGESIZE

    def _failure(self, message: Message | None, during: str) -> FtorchError:
        if isinstance(message, Problem):
            self._process.wait()
            return error_of(message)
        code = self._process.wait()
        if code < 0:
            name = signal.Signals(-code).name
            return WorkerDied(-code, f"the worker died of {name} during {during}", hint="Go on with --resume.")
        return FtorchError(
            f"the worker ended during {during} with exit code {code}",
            hint="A task must not call os._exit; --resume.",
        )


def reap_orphans(worker: int) -> None:
    """As PID 1 of a container: let go of processes that tasks left behind and that have ended; the worker is not one.

    The kernel gives every orphan to PID 1, and keeps it as a zombie until PID 1 asks how it ended (wait(2)).
    """
    if os.getpid() != 1:
        return
    with suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid != worker:
            os.waitpid(ended.si_pid, 0)
