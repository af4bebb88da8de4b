"""The process in which a job's task is run on a sample: `python -m orchestrator.audit.races.stage`.

It reads the job from standard input and writes what it found to standard output. Each run is a copy of its own, so that
none sees what another left. A copy of this process imports the task and copies itself for each run, which saves
importing it eleven times; where that would have runs in common what they must not (threads that a copy lacks, open
files, shared memory), each run is a copy of this process, before anything is imported, and imports the task for itself.

Guarantees: a run that crashes, ends the process or does not end is told as such. Assumes: its own session, so that
whoever started it can end what the task started.
"""

import os
import resource
import sys
from functools import partial
from pathlib import Path

import msgspec

from orchestrator.audit.races.fetching import Fetched, fetch
from orchestrator.audit.races.forks import Fork, Last
from orchestrator.audit.races.played import Ended, Tried
from orchestrator.audit.races.playing import play
from orchestrator.audit.races.ready import Footprint, prepare
from orchestrator.audit.races.rules import found
from orchestrator.audit.races.trial import Trial
from orchestrator.spec.load import parse_job
from orchestrator.spec.model import JobSpec

_LIMIT = 120.0
_FETCHING = 20.0


class Request(msgspec.Struct, frozen=True):
    """What is to be run: the job as `dump_job` wrote it, its folder, and the seconds that it may take."""

    job: bytes
    base: str
    budget: float


class _Apart(Exception):
    """Runs must not start from one import of the task."""


def main() -> None:
    """Run what standard input asks for."""
    data = sys.stdin.buffer.read()
    if not data:
        return
    request = msgspec.msgpack.decode(data, type=Request)
    answer = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.write(answer, msgspec.json.encode(_tried(parse_job(request.job), Path(request.base), request.budget)))


def _tried(spec: JobSpec, base: Path, budget: float) -> Tried:
    given = None
    if spec.input.objects is not None:
        fetched = Fork(lambda _: fetch(spec, base), _FETCHING).result(Fetched)
        by = "what fetches them "
        error = by + fetched.how.removeprefix("it ") if isinstance(fetched, Ended) else fetched.error
        if error or not isinstance(fetched, Fetched):
            message = f"the task was not tried on threads: its objects could not be fetched: {error}"
            return Tried([found("FT311", message, (spec.task, 0))])
        given = fetched.unpacked()

    def from_one_import(_: Last) -> Tried:
        before, process = Footprint.now(), os.getpid()
        ready = prepare(spec, base, given)
        if os.getpid() != process:
            # The module has forked when it was imported, and this is the copy.
            os._exit(0)
        if Footprint.now() != before:
            raise _Apart
        ready.watch()
        return Trial(partial(play, ready), spec.task, budget).run()

    tried = Fork(from_one_import, _LIMIT).result(Tried)
    if isinstance(tried, Tried):
        return tried
    return Trial(lambda part, last: play(prepare(spec, base, given), part, last), spec.task, budget).run()


if __name__ == "__main__":
    main()
