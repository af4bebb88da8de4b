"""The process in which a job's task is run on a sample: `python -m orchestrator.audit.races.stage`.

It reads the job from standard input and writes findings to standard output. Each run is a fork of its own, so that none
sees what another left; the fork comes before the task is imported, while there is one thread.

Guarantees: a run that crashes, ends the process or does not end is told as such. Assumes: its own session, so that
whoever started it can end what the task started.
"""

import mmap
import os
import random
import resource
import select
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from orchestrator.audit.findings import Finding
from orchestrator.audit.races.judged import Alone, ended, main_thread_only, not_deterministic, races
from orchestrator.audit.races.played import Ended, Met, Played, Steps
from orchestrator.audit.races.playing import Part, play
from orchestrator.audit.races.rules import found
from orchestrator.errors import FtorchError
from orchestrator.spec.load import parse_job
from orchestrator.spec.model import JobSpec

SAMPLE = 16
_ENOUGH = 0.5
_HUNG = 8.0
_ALL = 3.0
# Whether one item goes ahead alone, whether neighbours meet, and how often a thread stops at a place. Threads that stop
# everywhere keep in step, which shows lost updates; out of step, one changes what the other is in the middle of.
_ROUNDS = (
    (False, True, 1.0),
    (True, True, 1.0),
    (True, False, 1.0),
    (False, True, 0.5),
    (False, False, 0.5),
    (False, True, 0.5),
    (True, False, 0.5),
    (True, True, 0.5),
)
_LAST = struct.Struct("=7i")


class Request(msgspec.Struct, frozen=True):
    """What is to be run: the job as `dump_job` wrote it, and its folder."""

    job: bytes
    base: str


def main() -> None:
    """Run what standard input asks for."""
    request = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Request)
    answer = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    findings = [*_Sample(parse_job(request.job), Path(request.base)).findings()]
    os.write(answer, msgspec.json.encode(findings))


class _Sample:
    """A job, run again and again."""

    def __init__(self, spec: JobSpec, base: Path) -> None:
        self._spec = spec
        self._base = base
        self._last = mmap.mmap(-1, _LAST.size)

    def findings(self) -> Iterator[Finding]:
        """Run it alone, then on threads until something is found, the rounds are over, or the time is."""
        began = time.monotonic()
        numbers: Steps = [(number,) for number in range(SAMPLE)]
        first = self._run(Part("main", numbers, _ENOUGH), _HUNG)
        if isinstance(first, Ended):
            yield found("FT311", f"the task was not tried on threads: alone {first.how}", (self._spec.task, 0))
            return
        steps = numbers[: len(first.told)]
        if len(steps) < 2:
            why = "there are fewer than two items" if len(first.keys) < 2 else f"an item takes {first.seconds:.1f} s"
            yield found("FT311", f"the task was not tried on threads: {why}", (first.file, 0))
            return
        # Importing counts, too; a run that takes so much longer hangs.
        limit = _HUNG + 5 * (time.monotonic() - began)
        second = self._run(Part("main", steps, limit), limit)
        if isinstance(second, Ended):
            yield found("FT310", f"it went well once; the second time {second.how}", (first.file, 0))
            return
        differs = not_deterministic(first, second)
        if differs is not None:
            yield differs
            return
        turned = self._run(Part("turns", backwards(len(steps)), limit), limit)
        if isinstance(turned, Ended):
            yield ended(Alone(first, second, second), turned, first.keys)
            return
        yield from self._together(Alone(first, second, turned), began, limit)

    def _together(self, alone: Alone, began: float, limit: float) -> Iterator[Finding]:
        items = len(alone.first.told)
        findings = [*main_thread_only(alone)]
        for number, (ahead, neighbours, chance) in enumerate(_ROUNDS):
            if findings or (number and time.monotonic() - began > _ALL):
                break
            steps = pairs(items, ahead, None if neighbours else number)
            together = self._run(Part("meet", steps, limit, chance, number), limit)
            if isinstance(together, Ended):
                findings.append(ended(alone, together, alone.first.keys))
            elif len(together.told) == items:
                findings += races(alone, together)
        yield from findings

    def _run(self, part: Part, limit: float) -> Played | Ended:
        self._last[:] = bytes(_LAST.size)
        with tempfile.TemporaryFile() as told:
            child = os.fork()
            if not child:
                self._child(part, told.fileno())
            status = _wait(child, limit)
            data = os.pread(told.fileno(), os.fstat(told.fileno()).st_size, 0)
        if status is None:
            return Ended(f"it did not end within {limit:.0f} s", last=self._met())
        if os.WIFSIGNALED(status):
            return Ended(f"it died of {signal.Signals(os.WTERMSIG(status)).name}", last=self._met())
        try:
            return msgspec.json.decode(data, type=Played)
        except msgspec.DecodeError:
            pass
        try:
            return msgspec.json.decode(data, type=Ended)
        except msgspec.DecodeError:
            code = os.waitstatus_to_exitcode(status)
            return Ended(f"it ended the process with exit code {code}", last=self._met())

    def _child(self, part: Part, told: int) -> None:
        """Run the sample and end the process, whatever happens."""
        me = os.getpid()
        try:
            result: Played | Ended = play(self._spec, self._base, part, self._tell)
        except FtorchError as error:
            result = Ended(f"it cannot be started: {' '.join(str(error).split())}")
        except BaseException as error:
            result = Ended(f"it raised {type(error).__name__}: {error}")
        if os.getpid() == me:
            os.pwrite(told, msgspec.json.encode(result), 0)
        os._exit(0)

    def _tell(self, met: Met) -> None:
        _LAST.pack_into(self._last, 0, 1, *met.items, *met.lines, *met.files)

    def _met(self) -> Met | None:
        there, one, two, line, other, file, last = _LAST.unpack(self._last)
        return Met((one, two), (line, other), True, (file, last)) if there else None


def backwards(items: int) -> Steps:
    """The items in reverse order, none where it was: of an odd number the middle one changes with its neighbour."""
    order = [*range(items)][::-1]
    if items % 2 and items > 1:
        middle = items // 2
        order[middle], order[middle + 1] = order[middle + 1], order[middle]
    return [(number,) for number in order]


def pairs(items: int, ahead: bool, seed: int | None) -> Steps:
    """Which items run side by side: neighbours, or shuffled with a seed; one may go ahead alone."""
    order = [*range(items)]
    if seed is not None:
        random.Random(seed).shuffle(order)
    rest = order[ahead:]
    return [*((one,) for one in order[:ahead]), *(tuple(rest[at : at + 2]) for at in range(0, len(rest), 2))]


def _wait(child: int, limit: float) -> int | None:
    """The status with which it ended; None if it had to be ended."""
    with open(os.pidfd_open(child), "rb", buffering=0) as end:
        ready, _, _ = select.select([end], [], [], limit)
    if not ready:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return status if ready else None


if __name__ == "__main__":
    main()
