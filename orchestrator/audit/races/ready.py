"""What every run on the sample starts from: the task, imported, and some items."""

import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from orchestrator.audit.races.own import Own, codes_of
from orchestrator.audit.races.watched import Watched
from orchestrator.inputs.base import Piece
from orchestrator.inputs.open import open_source
from orchestrator.spec.model import JobSpec
from orchestrator.tasks.load import Task, import_task_module, task_of

type Items = list[tuple[Any, Any]]

SAMPLE = 16
_HARMLESS = ("/dev/null", "/dev/urandom", "/dev/random")


@dataclass(frozen=True)
class Ready:
    """What runs start from.

    Attributes:
        task: the task.
        arguments: the job's `with:`.
        own: tells the user's own modules.
        sample: the items with their keys, in the input's order.
    """

    task: Task
    arguments: Mapping[str, Any]
    own: Own
    sample: Items

    @cached_property
    def files(self) -> list[str]:
        """The files of the user's modules that there are, the task's first."""
        return [str(one.__file__) for one in self.own.modules()]

    @cached_property
    def watched(self) -> Watched:
        """The code in them."""
        return Watched(self.files, codes_of(self.own.modules()))

    def watch(self) -> None:
        """Look for that code now, so that copies of this process need not."""
        assert self.watched.files


@dataclass(frozen=True)
class Footprint:
    """What copies of a process would have in common, or lack: threads, open files, shared memory.

    Where importing the task leaves more of it, the copies that runs are made in would see each other.
    """

    threads: int
    files: frozenset[tuple[str, str]]
    shared: int
    handler: Any

    @classmethod
    def now(cls) -> Footprint:
        """That of this process."""
        maps = Path("/proc/self/maps")
        shared = sum(line.split(" ", 2)[1].endswith("s") for line in maps.read_text().splitlines())
        return cls(
            len(os.listdir("/proc/self/task")), frozenset(_open_files()), shared, signal.getsignal(signal.SIGCHLD)
        )


def prepare(spec: JobSpec, base: Path, given: Items | None = None) -> Ready:
    """Import the task and read the first items.

    Args:
        spec: the job.
        base: its folder.
        given: the items, if they are there already.

    Raises:
        FtorchError: the task cannot be imported, or the input cannot be read.
    """
    target, _, name = spec.task.partition(":")
    module = import_task_module(target, base)
    task = task_of(getattr(module, name, None), spec.task, spec.arguments)
    sample = given if given is not None else [*islice(_items(spec, base), SAMPLE)]
    return Ready(task, spec.arguments, Own(module), sample)


def _items(spec: JobSpec, base: Path) -> Iterator[tuple[Any, Any]]:
    source = open_source(spec.input, base, spec.remote)
    reader = source.reader()
    try:
        for entry in source.entries():
            for batch in reader.read([Piece(entry, 0, entry.units)]):
                yield from zip(batch.keys(), batch.values, strict=True)
    finally:
        reader.close()


def _open_files() -> Iterator[tuple[str, str]]:
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:  # the folder that was listed
            continue
        if target not in _HARMLESS:
            yield name, target
