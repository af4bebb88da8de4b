"""The store protocol: five calls, from which plan, ledger and parts are built.

What a store guarantees, and all that the ledger needs: a name's object is seen whole or not at all; of any number
of `create` calls for one name exactly one returns True; what `put` or `create` returned for is there after a crash.
Names are relative, with "/" between parts, and hold no part that starts with a dot.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from orchestrator.errors import FtorchError

type Buffer = bytes | bytearray | memoryview


class NotFound(FtorchError):
    """No object has that name."""


class Store(Protocol):
    """Named objects."""

    @property
    def url(self) -> str:
        """Where it is, to tell the user."""
        ...

    def put(self, name: str, data: Iterable[Buffer]) -> None:
        """Write an object, replacing one of that name.

        Raises:
            StoreUnavailable: it cannot be written; nothing of it is there.
        """
        ...

    def create(self, name: str, data: Iterable[Buffer]) -> bool:
        """Write an object unless the name is taken; says whether it did.

        Raises:
            StoreUnavailable: it cannot be written; nothing of it is there.
        """
        ...

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """The bytes of an object, or of a range of it (shorter where the object ends).

        Raises:
            NotFound: no object has that name.
            StoreUnavailable: it cannot be read.
        """
        ...

    def list(self, prefix: str) -> Iterator[str]:
        """The names below a prefix that ends with "/" (or of everything, for ""), sorted."""
        ...

    def delete(self, name: str) -> None:
        """Remove an object; nothing happens where there is none."""
        ...
