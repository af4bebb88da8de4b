"""A store between whose calls things happen: crashes, errors, lost answers, and what another process does."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from orchestrator.errors import StoreUnavailable
from orchestrator.store.base import Buffer, Store

TROUBLES = ("crash before", "crash after", "refused", "answer lost", "done twice", "other first")


class Crash(BaseException):
    """The process is dead: nothing in it catches this."""


class TroubledStore:
    """One process's sight of a store; at the call that `trouble` counts down to, something happens, once."""

    def __init__(self, real: Store) -> None:
        self.url = real.url
        self._real = real
        self._calls = -1
        self._kind = ""
        self._other: Callable[[], None] = lambda: None

    def trouble(self, calls: int, kind: str, other: Callable[[], None]) -> None:
        """Have it happen at the call after so many."""
        self._calls, self._kind, self._other = calls, kind, other

    def put(self, name: str, data: Iterable[Buffer]) -> None:
        whole = b"".join(data)
        self._call(lambda: self._real.put(name, [whole]))

    def create(self, name: str, data: Iterable[Buffer]) -> bool:
        whole = b"".join(data)
        return self._call(lambda: self._real.create(name, [whole]))

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        return self._call(lambda: self._real.get(name, start, length))

    def list(self, prefix: str) -> Iterator[str]:
        return self._call(lambda: self._real.list(prefix))

    def delete(self, name: str) -> None:
        self._call(lambda: self._real.delete(name))

    def _call(self, act: Callable[[], Any]) -> Any:
        self._calls -= 1
        if self._calls != -1:
            return act()
        kind = self._kind
        if kind == "crash before":
            raise Crash
        if kind == "refused":
            raise StoreUnavailable("refused")
        if kind == "other first":
            self._other()
            return act()
        act()
        if kind == "crash after":
            raise Crash
        if kind == "answer lost":
            raise StoreUnavailable("the answer was lost")
        # "done twice": the answer was lost, and whoever speaks to the store asked again.
        return act()
