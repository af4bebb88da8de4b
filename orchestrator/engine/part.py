"""The bytes of one commit, as they will lie in its part of the store."""

import zlib
from collections.abc import Sequence
from itertools import groupby

from orchestrator.engine.spool import Spooled
from orchestrator.run.records import Blob


class Part:
    """The bytes of a part while it is put together: those of the spool, then those that were still in memory."""

    def __init__(self, name: str, spooled: int) -> None:
        self.name = name
        self.data: list[bytes] = []
        self.size = spooled

    def add(self, tokens: Sequence[bytes | Spooled]) -> list[Blob]:
        """Where in the part the tokens lie: those from memory side by side, each of the spool in its own place."""
        blobs: list[Blob] = []
        for spooled, some in groupby(tokens, lambda token: isinstance(token, Spooled)):
            if spooled:
                blobs += [Blob(self.name, token.offset, token.length, token.crc) for token in some if token.length]  # type: ignore[union-attr]
            else:
                blobs += self._append(list(some))  # type: ignore[arg-type]
        return blobs

    def _append(self, tokens: Sequence[bytes]) -> list[Blob]:
        length, crc = 0, 0
        for token in tokens:
            crc = zlib.crc32(token, crc)
            length += len(token)
        if not length:
            return []
        self.data.extend(tokens)
        blob = Blob(self.name, self.size, length, crc)
        self.size += length
        return [blob]


def length(token: bytes | Spooled) -> int:
    """How many bytes a token has."""
    return token.length if isinstance(token, Spooled) else len(token)
