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

from orchestrator.audit.races.forks import Fork, Last
from orchestrator.audit.races.played import Part, Played, Tried
from orchestrator.audit.races.playing import play
from orchestrator.audit.races.ready import Footprint, prepare
from orchestrator.audit.races.trial import Trial
from orchestrator.spec.load import parse_job
from orchestrator.spec.model import JobSpec

LIMIT = 120.0
"""Seconds after which whoever started this need not wait any more."""


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
    spec, base = parse_job(request.job), Path(request.base)
    tried = Fork(lambda _: _from_one_import(spec, base, request.budget), LIMIT).result(Tried)
    if not isinstance(tried, Tried):
        tried = Trial(partial(_import_and_play, spec, base), spec.task, request.budget).run()
    os.write(answer, msgspec.json.encode(tried))


def _from_one_import(spec: JobSpec, base: Path, budget: float) -> Tried:
    before, process = Footprint.now(), os.getpid()
    ready = prepare(spec, base)
    if os.getpid() != process:
        # The module has forked when it was imported, and this is the copy.
        os._exit(0)
    if Footprint.now() != before:
        raise _Apart
    _ = ready.watched  # looked for here, once
    return Trial(partial(play, ready), spec.task, budget).run()


def _import_and_play(spec: JobSpec, base: Path, part: Part, last: Last) -> Played:
    return play(prepare(spec, base), part, last)


if __name__ == "__main__":
    main()
