"""A job that is brought to its end over several sittings, while processes of it are killed at random moments."""

import os
import random
import select
import signal
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.command import Done, Place, finish

RESUMABLE = 75
KILLED = 128 + signal.SIGKILL
MOST_SITTINGS = 12
_MARK = "FTORCH_TEST_PLACE"


@dataclass(frozen=True)
class Aim:
    """Who is to be hit ("worker", "supervisor" or "both"), by which signal, within how many seconds."""

    victim: str
    number: signal.Signals
    within: float


class Trouble(Place):
    """A place whose processes can be found, and hit."""

    @property
    def run(self) -> Path:
        """The folder of its one run."""
        return self.path / "run"

    def start(self, *options: str | Path, prefix: Iterable[str] = (), **more: Any) -> subprocess.Popen[str]:
        """Begin the run, or go on with it."""
        more["env"] = {_MARK: str(self.path), **more.get("env", {})}
        if "--accept-changes" not in options and "--limit" not in options:
            options = ("--resume", *options)
        return self.popen("submit", "job.yaml", "--run", self.run, "-q", *options, prefix=tuple(prefix), **more)

    def sit(self, *options: str | Path, within: float = 120.0, **more: Any) -> Done:
        """Begin the run or go on with it, undisturbed; after so many seconds it hangs."""
        return finish(self.start(*options, **more), within)

    def survive(self, aim: Aim, hits: int, chance: random.Random) -> int:
        """Sit again and again, hit so many times at random moments, until the run is done; how many hits landed."""
        landed = 0
        for _ in range(MOST_SITTINGS + hits):
            with self.start() as process:
                while landed < hits and not await_end(process.pid, chance.uniform(0, aim.within)):
                    landed += self._hit(process, aim)
                    if aim.victim != "worker" and aim.number == signal.SIGKILL:
                        break
                done = finish(process)
            assert self.left_behind() == [], "a worker outlived its supervisor"
            if done.code == 0:
                return landed
            if not _before_our_first_line(done):
                assert done.code in {RESUMABLE, KILLED, -aim.number}, done.err
                assert "Traceback" not in done.err, done.err
        raise AssertionError(f"the run was not done after {MOST_SITTINGS + hits} sittings")

    def _hit(self, process: subprocess.Popen[str], aim: Aim) -> bool:
        found = [pid for pid in children(process.pid) if aim.victim != "supervisor"]
        found += [process.pid] if aim.victim != "worker" else []
        return bool(sum(strike(pid, aim.number) for pid in found))

    def left_behind(self) -> list[int]:
        """The processes of this place that still run, given a moment to end."""
        return [pid for pid in processes_marked(f"{_MARK}={self.path}") if not await_end(pid, 5.0)]


def _before_our_first_line(done: Done) -> bool:
    """Whether Python itself told of the signal, while it started: nothing of ours can be asked then.

    It ends as from SIGINT, or with 1 where the module `site` was being imported (init_import_site).
    """
    begun = "orchestrator/__main__.py" in done.err or "orchestrator/cli" in done.err
    told = "KeyboardInterrupt" in done.err and not begun
    return told and (done.code == -signal.SIGINT or "init_import_site" in done.err)


def strike(pid: int, number: signal.Signals) -> bool:
    """Send a signal to a process; says whether it was there."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False


def await_end(pid: int, seconds: float) -> bool:
    """Wait for a process to end, so long at most; says whether it has."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], seconds)[0])
    finally:
        os.close(watched)


def children(pid: int) -> list[int]:
    """The child processes of a process's main thread."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError, ProcessLookupError:
        return []


def processes_marked(mark: str) -> list[int]:
    """The processes, zombies left out, whose environment holds that entry."""
    found = []
    for name in os.listdir("/proc"):
        with suppress(OSError):
            if name.isdecimal() and mark.encode() in Path("/proc", name, "environ").read_bytes().split(b"\0"):
                found.append(int(name))
    return found
