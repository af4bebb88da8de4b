"""The objects below a place in the order of their keys, streamed: one page in memory at a time."""

import heapq
import os
import time
from collections.abc import Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from orchestrator.errors import InputError
from orchestrator.inputs.base import Entry
from orchestrator.inputs.fetching import entry_of, file_tag
from orchestrator.inputs.globs import selection
from orchestrator.inputs.passed import Passed
from orchestrator.inputs.walk import Walk
from orchestrator.spec.model import ObjectsInput
from orchestrator.store.bucket import Bucket, obstore, waits
from orchestrator.store.places import Place
from orchestrator.store.refusals import BucketError, Missing

type Meta = dict[str, Any]

_MAGIC = frozenset("*?[")


class Listing:
    """The objects that an input takes.

    Raises:
        InputError: a pattern cannot be one.

    Attributes:
        root: the folder, for `file://`.
    """

    def __init__(self, place: Place, bucket: Bucket | None, spec: ObjectsInput) -> None:
        self.root = b"/" + os.fsencode(place.path)
        self._place = place
        self._bucket = bucket
        self._include = spec.include
        self._selection = selection(spec.include, spec.exclude)
        self._passed = Passed()

    def entries(self) -> Iterator[Entry]:
        """The entries, in the order of their keys.

        Raises:
            InputError: the place cannot be listed, or holds nothing that is taken.
        """
        if self._bucket is None:
            self._passed = Passed()
            for path, found in Walk(self.root, self._selection, "skip", self._passed):
                yield Entry(path, 1, 0, found.st_size, found.st_mtime_ns, etag=file_tag(found))
            return
        try:
            yield from self._objects(self._bucket)
        except BucketError as problem:
            raise InputError(problem.message, where=problem.where, hint=problem.hint) from None

    def notes(self) -> Sequence[str]:
        """What a folder's walk passed over."""
        return self._passed.notes()

    def _objects(self, bucket: Bucket) -> Iterator[Entry]:
        place, takes = self._place, self._selection.takes
        cut = len(place.path) + 1 if place.path else 0
        last = ""
        for meta in self._found(bucket):
            key = meta["path"]
            name = key[cut:]
            if key != last and name and takes(os.fsencode(name)) and (meta["size"] or _is_object(bucket, key)):
                yield entry_of(name, meta)
            last = key
        if not last and place.path and self._named_itself(bucket):
            raise InputError(
                "this is an object, not a prefix",
                where=place.url,
                hint="Write its prefix as url, and its name as include.",
            )

    def _found(self, bucket: Bucket) -> Iterator[Meta]:
        """What may be taken, by key: listed below each prefix that a pattern begins with, and what is named."""
        prefixes, names = _beginnings(self._include)
        if prefixes and self._place.scheme in ("http", "https"):
            yield from sorted(self._listed_by_server(bucket, prefixes), key=itemgetter("path"))
            return
        listed = (_listed(bucket, self._place.key(prefix).strip("/")) for prefix in prefixes)
        yield from heapq.merge(chain.from_iterable(listed), _heads(bucket, names), key=itemgetter("path"))

    def _listed_by_server(self, bucket: Bucket, prefixes: Sequence[str]) -> list[Meta]:
        try:
            return [meta for prefix in prefixes for meta in _listed(bucket, self._place.key(prefix).strip("/"))]
        except BucketError:
            raise InputError(
                "this server lists nothing (it would need WebDAV)",
                where=self._place.url,
                hint="Name each object in include, without wildcards.",
            ) from None

    def _named_itself(self, bucket: Bucket) -> bool:
        try:
            _head(bucket, self._place.path)
        except BucketError:
            return False
        return True


def _is_object(bucket: Bucket, key: str) -> bool:
    """Whether what is empty is an object; a listing tells of a folder's marker, whose key ends in a slash, alike."""
    try:
        _head(bucket, key)
    except Missing:
        return False
    return True


def _beginnings(include: Sequence[str]) -> tuple[list[str], list[str]]:
    """The folders that patterns with wildcards begin with, none within another, and the patterns without; pure.

    The folders are in the order of what is below them: one after the other, their keys are in order.
    """
    folders: set[str] = set()
    names: set[str] = set()
    for pattern in include:
        parts = pattern.split("/")
        plain = next((at for at, part in enumerate(parts) if _MAGIC & set(part)), len(parts))
        if plain == len(parts) and not pattern.endswith("/"):
            names.add(pattern)
        else:
            folders.add("/".join(parts[: min(plain, len(parts) - 1)]))
    outer: list[str] = []
    for folder in sorted(folders, key=lambda folder: folder and f"{folder}/"):
        if not outer or not _within(folder, outer[-1]):
            outer.append(folder)
    return outer, sorted(names)


def _within(folder: str, other: str) -> bool:
    return not other or folder.startswith(other + "/")


def _listed(bucket: Bucket, prefix: str) -> Iterator[Meta]:
    """Everything below a prefix, by key; where a page does not come, from after the last one on."""
    library, last = obstore(), None
    pauses = waits(bucket.patience)
    while True:
        try:
            for page in library.list(bucket.native, prefix or None, offset=last, chunk_size=1000):
                yield from page
                if page:
                    last = page[-1]["path"]
                    pauses = waits(bucket.patience)
            return
        except GeneratorExit:
            raise
        except Exception as error:  # noqa: BLE001 - obstore raises its own kinds and three of Python's
            problem, wait = bucket.explain(error, "list", prefix), next(pauses, None)
            if not problem.transient or wait is None:
                raise problem from None
            time.sleep(wait)


def _heads(bucket: Bucket, names: Sequence[str]) -> Iterator[Meta]:
    for name in names:
        key = bucket.place.key(name)
        try:
            meta = _head(bucket, key)
        except Missing:
            raise InputError("there is no such object", where=bucket.place.below(name).url) from None
        yield {**meta, "path": key}


def _head(bucket: Bucket, key: str) -> Meta:
    library = obstore()
    found: Meta = bucket.call("read", key, lambda: library.head(bucket.native, key))
    return found
