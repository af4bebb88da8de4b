"""Every file below a folder as one item: `input: {files: …}`.

Planning walks the tree (:mod:`orchestrator.inputs.walk` has the order); reading makes `File` objects and
touches no
file: a file that vanished or changed since is the task's own error for that one item.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from io import BufferedReader
from pathlib import Path

from msgspec import Struct

from orchestrator.inputs.base import Batch, Entry, Piece
from orchestrator.inputs.globs import selection
from orchestrator.inputs.passed import Passed
from orchestrator.inputs.paths import below
from orchestrator.inputs.walk import Walk
from orchestrator.spec.model import FilesInput


class File(Struct, frozen=True, gc=False):
    """A file to work on, as it was when the run was planned.

    It is an `os.PathLike`: `open(file)`, `Image.open(file)` and `Path(file)` take it as it is.

    Attributes:
        path: where it is, absolute (bytes that are not UTF-8 as surrogates, like all of Python's paths).
        key: its path below the input's root, "/" between names.
        size: in bytes.
        mtime_ns: when it was last modified, in nanoseconds since 1970.
    """

    path: str
    key: str
    size: int
    mtime_ns: int

    def __fspath__(self) -> str:
        return self.path

    def read_bytes(self) -> bytes:
        """All of it.

        Raises:
            OSError: it is gone or cannot be read.
        """
        with open(self.path, "rb", buffering=0) as file:
            return file.read()

    def open(self) -> BufferedReader:
        """Open it for reading, as bytes.

        Raises:
            OSError: it is gone or cannot be read.
        """
        return open(self.path, "rb")

    def __repr__(self) -> str:
        return f"File({self.key!r}, {self.size} bytes)"


class FilesSource:
    """The files below the root; `entries()` walks anew at every call.

    Raises:
        InputError: the root or a pattern cannot be one.
    """

    unit = "file"

    def __init__(self, spec: FilesInput, base: Path) -> None:
        self._root = below(base, spec.root)
        self._selection = selection(spec.include, spec.exclude)
        self._symlinks = spec.symlinks
        self._passed = Passed()

    def entries(self) -> Iterator[Entry]:
        self._passed = Passed()
        for path, found in Walk(self._root, self._selection, self._symlinks, self._passed):
            yield Entry(path, 1, 0, found.st_size, found.st_mtime_ns)

    def notes(self) -> Sequence[str]:
        return self._passed.notes()

    def reader(self) -> FilesReader:
        return FilesReader(self._root)


class FilesReader:
    """Makes the items of the pieces; all of them in one batch, since no content is read."""

    def __init__(self, root: bytes) -> None:
        # Decoded here, so that every thread counts references to a string of its own.
        self._prefix = os.fsdecode(root.rstrip(b"/") + b"/")

    def read(self, pieces: Sequence[Piece]) -> Iterator[Batch]:
        prefix, encoding, nbytes = self._prefix, sys.getfilesystemencoding(), 0
        values: list[File] = []
        for piece in pieces:
            entry = piece.entry
            key = entry.name.decode(encoding, "surrogateescape")
            values.append(File(prefix + key, key, entry.size, entry.mtime_ns))
            nbytes += entry.size
        if values:
            yield Batch(values, partial(_keys, values), nbytes)

    def close(self) -> None:
        """Nothing is kept open."""


def _keys(files: Sequence[File]) -> list[str]:
    return [file.key for file in files]
