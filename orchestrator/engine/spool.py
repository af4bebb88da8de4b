"""Results that wait for their commit in a file, so that they do not wait in memory.

Guarantees: nothing of it outlives the process: the file has no name. What `write` has given the place of can be read by
any thread, while more is written. Assumes: one thread writes.
"""

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from orchestrator.store.local import unavailable

_PIECE = 1 << 16


class Spooled(Struct, frozen=True, gc=False):
    """Where in the spool a token lies: `length` bytes at `offset`, with their CRC-32."""

    offset: int
    length: int
    crc: int


class Spilled(Struct, frozen=True):
    """The results of one chunk, in order, in a spool that is not the committer's; they are there as long as this is."""

    spool: Spool
    places: tuple[Spooled, ...]


class Spool:
    """Tokens, one after the other, until a commit takes them all.

    Args:
        folder: on which disk; where temporary files go, if it is no folder here.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder if folder is not None and folder.is_dir() else None
        self._file: BinaryIO | None = None
        self.size = 0

    @classmethod
    def of_file(cls, descriptor: int) -> Spool:
        """What another process has written, to read."""
        found = cls()
        found._file = os.fdopen(descriptor, "rb", buffering=0)
        return found

    def fileno(self) -> int:
        """The file's descriptor; something must have been written."""
        return self._opened().fileno()

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, tokens: list[bytes]) -> list[Spooled]:
        """Take tokens in; where each of them lies.

        Raises:
            StoreUnavailable: the disk is full, or cannot be written.
        """
        return [self.append([token]) for token in tokens]

    def append(self, tokens: list[bytes]) -> Spooled:
        """Take tokens in as one; where it lies.

        Raises:
            StoreUnavailable: the disk is full, or cannot be written.
        """
        start, crc = self.size, 0
        try:
            file = self._opened()
            for token in tokens:
                # Never joined: large bytes are each given fresh memory.
                file.write(token)
                crc = zlib.crc32(token, crc)
                self.size += len(token)
            file.flush()
        except OSError as error:
            raise unavailable(self._where(), error) from error
        return Spooled(start, self.size - start, crc)

    def read(self, place: Spooled | None = None) -> Iterator[bytes]:
        """What lies in a place, or all of it, in small pieces.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        if self._file is None:
            return
        lo, hi = (0, self.size) if place is None else (place.offset, place.offset + place.length)
        try:
            for offset in range(lo, hi, _PIECE):
                yield os.pread(self._file.fileno(), min(_PIECE, hi - offset), offset)
        except OSError as error:
            raise unavailable(self._where(), error) from error

    def clear(self) -> None:
        """Begin anew, with nothing."""
        if self._file is not None and self.size:
            self._file.seek(0)
            self._file.truncate()
            self.size = 0

    def _opened(self) -> BinaryIO:
        if self._file is None:
            import tempfile

            self._file = tempfile.TemporaryFile(dir=self._folder, prefix=".ftorch-spool-")  # noqa: SIM115 - until the process ends
        assert self._file is not None
        return self._file

    def _where(self) -> Path:
        return self._folder or Path(os.environ.get("TMPDIR", "/tmp"))
