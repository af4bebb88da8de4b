"""Objects of a bucket are copied to this machine before they are compared: computing is compared, not networks.

Every contestant then reads the same files, with the keys that the objects have.
"""

import os
from collections.abc import Iterator
from itertools import batched
from pathlib import Path

from msgspec import structs

from orchestrator.errors import InputError
from orchestrator.inputs.base import Entry, Piece, Source
from orchestrator.inputs.fetching import file_tag
from orchestrator.inputs.object import Object
from orchestrator.spec.model import JobSpec, ObjectsInput
from orchestrator.store.places import parse_place

NOTE = "the objects were downloaded first: everybody reads them from this machine's disk"
_AT_ONCE = 256


def is_far(spec: JobSpec) -> bool:
    """Whether a job's items are objects that lie elsewhere."""
    objects = spec.input.objects
    return objects is not None and parse_place(objects.url).scheme != "file"


def copies_of(whole: Path) -> Path:
    """The folder of the copies, beside the plan of the whole input: one for all choices of items."""
    return whole.with_name("copies")


def near(spec: JobSpec, root: Path) -> JobSpec:
    """The job, whose input are the copies in a folder."""
    return structs.replace(spec, input=structs.replace(spec.input, objects=ObjectsInput(url=root.as_uri())))


def copied(source: Source, entries: Iterator[Entry], root: Path) -> Iterator[Entry]:
    """Download some objects, those that are not here yet; the entries of their copies.

    Args:
        source: all the objects.
        entries: which of them.
        root: the folder of the copies.

    Raises:
        InputError: one is gone, changed meanwhile, or has a key that no file can have.
        OSError: one cannot be fetched, or there is no room for it.
    """
    root.mkdir(exist_ok=True)
    reader = source.reader()
    try:
        for some in batched(entries, _AT_ONCE, strict=False):
            there = [_path_of(entry, root) for entry in some]
            absent = [entry for entry, path in zip(some, there, strict=True) if not path.is_file()]
            for batch in reader.read([Piece(entry, 0, 1) for entry in absent]):
                for item in batch.values:
                    _copy(item, root / item.key)
            for entry, path in zip(some, there, strict=True):
                found = path.stat()
                yield Entry(entry.name, 1, 0, found.st_size, found.st_mtime_ns, etag=file_tag(found))
    finally:
        reader.close()


def _path_of(entry: Entry, root: Path) -> Path:
    key = os.fsdecode(entry.name)
    if {".", "..", ""} & set(key.split("/")):
        raise InputError("no file can have this key, so that it cannot be compared", where=key)
    return root / key


def _copy(item: Object, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("xb")
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(
            "a key is the beginning of another, up to a slash: as files they cannot be compared",
            where=item.url,
            hint="Compare a part of the input that has no such pair: see input.objects.exclude.",
        ) from error
    with file, item.open() as data:
        while block := data.read(1 << 20):
            file.write(block)
    os.utime(path, ns=(item.mtime_ns, item.mtime_ns))
