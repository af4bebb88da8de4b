"""Starts a worker process, and imports nothing for it: `ftorch submit` does this first, so that the worker's imports
and its own happen at the same time.
"""

import os
import signal
import sys

WORKER = "orchestrator.engine"


class Spawned:
    """A worker that was started: its process, the pipe it listens to, and the pipe it answers on.

    Like `subprocess.Popen`, in what a supervisor needs of it. Belongs to one thread.

    Attributes:
        pid: the process.
        listens, answers: file descriptors, for the caller to close.
    """

    __slots__ = ("_code", "answers", "listens", "pid")

    def __init__(self, pid: int, listens: int, answers: int) -> None:
        self.pid = pid
        self.listens = listens
        self.answers = answers
        self._code: int | None = None

    def poll(self) -> int | None:
        """Its exit code, -n where it died of signal n; None while it runs."""
        if self._code is None:
            self._reap(os.WNOHANG)
        return self._code

    def wait(self) -> int:
        """Wait for its end, and give its exit code as `poll` does."""
        while self._code is None:
            self._reap(0)
        return self._code

    def kill(self) -> None:
        """End it at once, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def discard(self) -> None:
        """End a worker that nobody will talk to."""
        self.kill()
        self.wait()
        os.close(self.listens)
        os.close(self.answers)

    def _reap(self, options: int) -> None:
        try:
            pid, status = os.waitpid(self.pid, options)
        except ChildProcessError:
            # Somebody ignores SIGCHLD, and the kernel has told nobody how it ended.
            self._code = 0
            return
        if pid:
            self._code = os.waitstatus_to_exitcode(status)


def spawn() -> Spawned:
    """Start a worker; it waits to be told what to load.

    Raises:
        OSError: the system cannot start another process.
    """
    heard, listens = os.pipe()
    answers, said = os.pipe()
    os.set_inheritable(said, True)
    options = [f"-X{name}={value}" for name, value in sys._xoptions.items() if name == "gil"]  # noqa: SLF001 - documented
    command = [sys.executable, *options, "-P", "-m", WORKER, str(said)]
    try:
        pid = os.posix_spawn(
            sys.executable,
            command,
            os.environ,
            # What it prints goes where complaints go: standard output is for the report.
            file_actions=[(os.POSIX_SPAWN_DUP2, heard, 0), (os.POSIX_SPAWN_DUP2, 2, 1)],
            # A process group of its own: Ctrl-C in a terminal reaches the supervisor alone, which then asks.
            setpgroup=0,
            # Python ignores these for itself; a task's own children are to find them as other programs do.
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
        )
    except OSError:
        os.close(listens)
        os.close(answers)
        raise
    finally:
        os.close(heard)
        os.close(said)
    return Spawned(pid, listens, answers)
