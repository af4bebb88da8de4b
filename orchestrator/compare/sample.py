"""Which items of a job are compared: all, the first so many, or so many spread over the input; planned and read once.

The choice is a plan of its own, written to a run folder in which no work is done: ftorch resumes a copy of it, and the
other contestants get the very same items from a file.
"""

import os
import pickle
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.compare.nearby import copied, copies_of, is_far, near
from orchestrator.errors import InputError
from orchestrator.inputs.base import Batch, Entry, Source
from orchestrator.inputs.files import File
from orchestrator.inputs.object import Object
from orchestrator.inputs.open import open_source
from orchestrator.outputs.plain import readable_keys
from orchestrator.run.folder import Manifest, create_run, raw_job
from orchestrator.run.limit import Limited
from orchestrator.run.plan import PlanIndex, PlanReader, all_entries, read_index, write_plan
from orchestrator.spec.model import Failures, JobSpec, Measure, Output, Retry, Timeout
from orchestrator.store.local import LocalStore
from orchestrator.version import __version__

_READ_UNITS = {"file": 4096, "item": 1 << 16, "byte": 1 << 20}
_STRETCHES = 64


@dataclass(frozen=True, slots=True)
class Chosen:
    """The items of a comparison.

    Attributes:
        run: the folder with the plan.
        items: the file with the items as plain data, and their keys.
        keys: their keys.
        kind: what items are (see `work.Binding`).
        unreadable: items that cannot be made from the input: they fail everywhere, so they are left out.
    """

    run: Path
    items: Path
    keys: list[Any]
    kind: str
    unreadable: int


def prepared(spec: JobSpec, is_fold: bool, workers: int) -> JobSpec:
    """The job as it is run here: results as JSON beside the run, no retries, and no end before its time."""
    return msgspec.structs.replace(
        spec,
        output=Output(path="out.json" if is_fold else "out.jsonl", format="json" if is_fold else "jsonl"),
        retry=Retry(attempts=1),
        failures=Failures(),
        timeout=Timeout(item=spec.timeout.item),
        measure=Measure(scaling="off"),
        resources=msgspec.structs.replace(spec.resources, threads=workers),
    )


def survey(spec: JobSpec, base: Path, folder: Path, tell: Callable[[int], None]) -> PlanIndex:
    """Plan the whole input, so that a choice can be spread over it.

    Raises:
        InputError: the input cannot be planned, or is empty.
    """
    source = open_source(spec.input, base, spec.remote)
    index = write_plan(LocalStore(folder), source, _counted(source.entries(), tell), 1, lambda: None)
    if not index.units:
        raise InputError("the input is empty: there is nothing to compare", where="input")
    return index


def _counted(entries: Iterator[Entry], tell: Callable[[int], None]) -> Iterator[Entry]:
    for number, entry in enumerate(entries, 1):
        if number % 1024 == 0:
            tell(number)
        yield entry


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items: the first `limit`, or a `share` (0 to 1] of the input, spread over it."""

    limit: int | None = None
    share: float = 1.0


def choose(spec: JobSpec, base: Path, wanted: Wanted, whole: Path, folder: Path) -> Chosen:
    """Choose items, plan them in `folder`, and read them.

    Args:
        spec: the job, prepared.
        base: the folder that its paths start from.
        wanted: which items.
        whole: the store of the whole input's plan; not looked at for the first so many.
        folder: an empty folder for the plan and the items.

    Raises:
        InputError, OSError: the input cannot be read.
    """
    limited = None
    if wanted.limit is None:
        spec = _thinned(spec, wanted.share)
    source = open_source(spec.input, base, spec.remote)
    if wanted.limit is not None:
        limited = Limited(source, wanted.limit)
        entries = iter(limited)
    elif spec.input.range is not None:
        entries = source.entries()
    else:
        entries = _spread(source, LocalStore(whole), wanted.share)
    if is_far(spec):
        copies = copies_of(whole)
        entries = copied(source, entries, copies)
        spec = near(spec, copies)
        source = open_source(spec.input, base, spec.remote)
    store = LocalStore(folder / "run")
    create_run(store, _manifest(spec, base))
    index = write_plan(store, source, entries, 1, lambda: None if limited is None else limited.of_last)
    return _read(source, PlanReader(store, index), wanted.limit, folder)


def _thinned(spec: JobSpec, share: float) -> JobSpec:
    """A range with a larger step has fewer numbers, spread over the same stretch."""
    numbers = spec.input.range
    if numbers is None or share >= 1:
        return spec
    total = len(range(numbers.start, numbers.stop, numbers.step))
    step = numbers.step * max(1, total // max(1, round(share * total)))
    thin = msgspec.structs.replace(numbers, step=step)
    return msgspec.structs.replace(spec, input=msgspec.structs.replace(spec.input, range=thin))


def _spread(source: Source, store: LocalStore, share: float) -> Iterator[Entry]:
    """So much of the input, taken evenly: every so many files or stretches, or stretches of bytes within them."""
    entries = all_entries(store, read_index(store))
    if share >= 1:
        yield from entries
        return
    due = 1.0
    for entry in entries:
        if source.unit == "byte" and not entry.whole:
            yield from _stretches(entry, share)
        elif due >= 1:
            due += share - 1
            yield entry
        else:
            due += share


def _stretches(entry: Entry, share: float) -> Iterator[Entry]:
    """Equal stretches of a text file, so that together they are that share of it."""
    count = min(_STRETCHES, entry.units)
    length = max(1, int(share * entry.units / count))
    for number in range(count):
        start = number * entry.units // count
        yield msgspec.structs.replace(entry, start=entry.start + start, units=min(length, entry.units - start))


def _manifest(spec: JobSpec, base: Path) -> Manifest:
    return Manifest(
        id="compare",
        job=raw_job(spec),
        base=os.fspath(base),
        job_file=os.fspath(base / "job.yaml"),
        task_fingerprint="",
        output_format=spec.output.format,
        limit=None,
        created=time.time(),
        versions={"ftorch": __version__, "python": platform.python_version(), "build": sys.version},
    )


def _read(source: Source, plan: PlanReader, limit: int | None, folder: Path) -> Chosen:
    items: list[Any] = []
    keys: list[Any] = []
    unreadable, made = 0, type(None)
    reader = source.reader()
    try:
        for batch in _batches(plan, reader.read, source.unit):
            items += [_plain(value) for value in batch.values]
            made = type(batch.values[0]) if batch.values else made
            keys += readable_keys(batch.keys())
            unreadable += len(batch.unreadable)
            if limit is not None and len(items) + unreadable >= limit:
                break
    finally:
        reader.close()
    if limit is not None:
        del items[limit:], keys[limit:]
    if not items:
        raise InputError("not one item of the input can be read", where="input")
    path = folder / "items"
    path.write_bytes(pickle.dumps({"items": items, "keys": keys}, 4))
    kind = {File: "file", Object: "object"}.get(made, "plain")
    return Chosen(folder / "run", path, keys, kind, unreadable)


def _batches(plan: PlanReader, read: Callable[[Any], Iterator[Batch]], unit: str) -> Iterator[Batch]:
    lo, end = 0, plan.index.units
    while lo < end:
        hi = plan.cut(lo, _READ_UNITS[unit], 1 << 62, end)
        yield from read(plan.pieces(lo, hi))
        lo = hi


def _plain(item: Any) -> Any:
    """A file or object as its plain fields, which any Python can read; anything else as it is."""
    if isinstance(item, Object):
        path = item.url.removeprefix("file://")
        return path, item.key, item.size, item.mtime_ns, item.etag
    if isinstance(item, File):
        return tuple(getattr(item, name) for name in item.__struct_fields__)
    return item
