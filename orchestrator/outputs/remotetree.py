"""A tree of objects: each result is one object of a bucket, which appears whole or not at all.

Guarantees: without `replace`, no object is written twice, and a call that failed has removed what it wrote. Assumes: an
encoder is used by one thread at a time.
"""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from orchestrator.outputs.plain import content
from orchestrator.outputs.publish import Piece
from orchestrator.outputs.tree import check_name_template, relative_name
from orchestrator.spec.keys import Key
from orchestrator.spec.model import Remote
from orchestrator.store.bell import Bell
from orchestrator.store.places import parse_place
from orchestrator.store.remote import RemoteStore

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class RemoteTreeEncoder:
    """Writes each result to the object its key names; several at a time, and none of them replaced unless allowed."""

    needs_keys = True

    def __init__(self, root: str, name: str, replace: bool, remote: Remote) -> None:
        check_name_template(name)
        self._store = RemoteStore(parse_place(root), remote)
        self._name = name
        self._replace = replace
        self._connections = remote.connections
        self._bell = Bell()

    def encode(self, keys: Sequence[Key], results: Sequence[Any]) -> bytes:
        """Write the objects; there are no bytes for the body.

        Raises:
            TypeError: a result that is neither bytes nor text.
            ValueError: a key that names no object below the root, or one that another item has written.
            StoreUnavailable: an object could not be written.
        """
        pairs = [(self._named(key), content(result)) for key, result in zip(keys, results, strict=True)]
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("two items write one object")
        lanes = min(self._connections, len(pairs))
        if lanes < 2:
            taken = [name for name, data in pairs if not self._write(name, data)]
        else:
            slices = [pairs[start::lanes] for start in range(lanes)]
            taken = self._write_at_once(slices)
        if taken:
            for name, _ in pairs:
                if name not in taken:
                    self._store.delete(name)
            raise ValueError(f"two items write {taken[0]!r}, or it was there before")
        return b""

    def discard(self, keys: Sequence[Key]) -> None:
        """Remove the objects of these keys, which will be written again; kept where they may be replaced."""
        for key in () if self._replace else keys:
            self._store.delete(relative_name(self._name, str(key)))

    def _named(self, key: Key) -> str:
        name = relative_name(self._name, str(key))
        if _CONTROL.search(name):
            raise ValueError(f"the key {key!r} gives an object's key with a control character, which cannot be")
        return name

    def _write_at_once(self, slices: list[list[tuple[str, Piece]]]) -> list[str]:
        """Write several slices at a time; the names that were taken."""
        bell, pool = self._bell, _writers(self._connections)
        going = [pool.submit(self._write_all, part) for part in slices]
        for one in going:
            one.add_done_callback(lambda _: bell.ring())
        while not all(one.done() for one in going):
            bell.sleep()
        return [name for one in going for name in one.result()]

    def _write_all(self, pairs: list[tuple[str, Piece]]) -> list[str]:
        """Write some; the names that were taken."""
        return [name for name, data in pairs if not self._write(name, data)]

    def _write(self, name: str, data: Piece) -> bool:
        if self._replace:
            self._store.put(name, [data])
            return True
        return self._store.create(name, [data])


@cache
def _writers(connections: int) -> ThreadPoolExecutor:
    """The threads of this process that write objects for all lanes."""
    return ThreadPoolExecutor(connections, thread_name_prefix="ftorch-write")
