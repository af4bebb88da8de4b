"""A store in memory, for tests: the same guarantees, but for surviving the process."""

import threading
from collections.abc import Iterable, Iterator

from orchestrator.store.base import Buffer, NotFound


class MemoryStore:
    """Objects in a dict, every call under one lock."""

    url = "memory:"

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def put(self, name: str, data: Iterable[Buffer]) -> None:
        """Write an object, replacing one of that name."""
        whole = b"".join(data)
        with self._lock:
            self._objects[name] = whole

    def create(self, name: str, data: Iterable[Buffer]) -> bool:
        """Write an object unless the name is taken; says whether it did."""
        whole = b"".join(data)
        with self._lock:
            if name in self._objects:
                return False
            self._objects[name] = whole
        return True

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """The bytes of an object, or of a range of it."""
        with self._lock:
            whole = self._objects.get(name)
        if whole is None:
            raise NotFound("there is no such object", where=f"{self.url}{name}")
        return whole[start:] if length is None else whole[start : start + length]

    def list(self, prefix: str) -> Iterator[str]:
        """The names below a prefix, sorted."""
        with self._lock:
            names = sorted(name for name in self._objects if name.startswith(prefix))
        return iter(names)

    def delete(self, name: str) -> None:
        """Remove an object; nothing happens where there is none."""
        with self._lock:
            self._objects.pop(name, None)
