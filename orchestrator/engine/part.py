"""The bytes of one commit, as they will lie in its part of the store."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, groupby

from orchestrator.engine.spool import Spilled, Spool, Spooled
from orchestrator.run.records import Blob

type Token = bytes | Spooled | Spilled
"""Encoded results: in memory, in the committer's spool, or in another one."""


class Part:
    """The bytes of a part while it is put together: those of the committer's spool, then all others.

    They can be read more than once: a store whose upload breaks off begins anew.
    """

    def __init__(self, name: str, spool: Spool) -> None:
        self.name = name
        self.size = spool.size
        self._spool = spool
        self._added: list[Callable[[], Iterable[bytes]]] = []

    def add(self, tokens: Sequence[Token]) -> list[Blob]:
        """Where in the part the tokens lie: those from memory side by side, each from a file in its own place."""
        blobs: list[Blob] = []
        for in_memory, some in groupby(tokens, lambda token: isinstance(token, bytes)):
            if in_memory:
                blobs += self._append(list(some))  # type: ignore[arg-type]
            else:
                blobs += chain.from_iterable(map(self._place, some))
        return blobs

    def __iter__(self) -> Iterator[bytes]:
        """All of it, in small pieces.

        Raises:
            StoreUnavailable: a spool cannot be read.
        """
        yield from self._spool.read()
        for pieces in self._added:
            yield from pieces()

    def _place(self, token: Token) -> Iterator[Blob]:
        if isinstance(token, Spooled) and token.length:
            yield Blob(self.name, token.offset, token.length, token.crc)
        elif isinstance(token, Spilled):
            for place in token.places:
                self._added.append(partial(token.spool.read, place))
                yield Blob(self.name, self.size, place.length, place.crc)
                self.size += place.length

    def _append(self, tokens: Sequence[bytes]) -> list[Blob]:
        length, crc = 0, 0
        for token in tokens:
            crc = zlib.crc32(token, crc)
            length += len(token)
        if not length:
            return []
        self._added.append(tokens.__iter__)
        blob = Blob(self.name, self.size, length, crc)
        self.size += length
        return [blob]


def length(token: Token) -> int:
    """How many bytes a token has."""
    if isinstance(token, bytes):
        return len(token)
    return token.length if isinstance(token, Spooled) else sum(place.length for place in token.places)
