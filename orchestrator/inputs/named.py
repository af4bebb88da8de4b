"""The text files a job names: paths and patterns, in the order in which they are written.

A path is taken as it is if such a file exists, else as a pattern; what a pattern matches is sorted (the order
of :mod:`orchestrator.inputs.walk`), and its symbolic links are followed. A file named twice is read once.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from orchestrator.errors import InputError
from orchestrator.inputs.globs import selection
from orchestrator.inputs.packed import HEAD, Packing, Policy, begins, packing
from orchestrator.inputs.passed import Passed, Reason
from orchestrator.inputs.paths import below, segments, shown, tidy
from orchestrator.inputs.walk import Walk

_MAGIC = frozenset("*?[")
# Not blocking, so that a FIFO can be told from a file without waiting for its other end.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


class Named(Struct, frozen=True):
    """A text file that is not empty.

    Attributes:
        name: its path as the job names it: relative to the job's folder, or absolute.
        size: in bytes.
        mtime_ns: when it was last modified.
        how: its compression.
    """

    name: bytes
    size: int
    mtime_ns: int
    how: Packing


class NamedFiles:
    """The files behind the `path` of an input.

    Raises:
        InputError: a path that cannot be one, or none at all.
    """

    def __init__(self, path: str | list[str], base: Path, policy: Policy) -> None:
        self.base = os.fsencode(base.absolute())
        self.policy: Policy = policy
        self._paths = [path] if isinstance(path, str) else list(path)
        self._passed = Passed()
        if not self._paths:
            raise InputError("`path` is an empty list: there is no file to read")
        for one in self._paths:
            below(base, one)

    def found(self) -> Iterator[Named]:
        """Each file, looked at anew; one that is named outright is looked for before the first is given.

        Raises:
            InputError: a file does not exist, is no regular file or cannot be read; a pattern matches
                nothing.
        """
        self._passed = Passed()
        for path in self._paths[1:]:
            if (name := self._outright(path)) is not None:
                self._probe(name)
        for name in self._once():
            named = self._probe(name)
            if named.size:
                yield named
            else:
                self._passed.add(Reason.EMPTY)

    def notes(self) -> Sequence[str]:
        """What was passed over by the last `found()`."""
        return self._passed.notes()

    def _once(self) -> Iterator[bytes]:
        if len(self._paths) == 1:
            yield from self._named(self._paths[0])
            return
        seen: set[bytes] = set()
        for path in self._paths:
            for name in self._named(path):
                if name in seen:
                    self._passed.add(Reason.REPEATED)
                    continue
                seen.add(name)
                yield name

    def _named(self, path: str) -> Iterator[bytes]:
        name = self._outright(path)
        if name is None:
            yield from self._matches(path)
        else:
            yield name

    def _outright(self, path: str) -> bytes | None:
        """The name that a path is, None where it is a pattern."""
        name = os.fsencode(tidy(path))
        return name if _MAGIC.isdisjoint(path) or os.path.lexists(os.path.join(self.base, name)) else None

    def _matches(self, path: str) -> Iterator[bytes]:
        """The files a pattern matches; the names before the first `*`, `?` or `[` are the folder to walk."""
        names = segments(path)
        depth = next(i for i, name in enumerate(names) if not _MAGIC.isdisjoint(name))
        head = os.fsencode(("/" if path.startswith("/") else "") + "/".join(names[:depth]))
        pattern = "/".join(names[depth:]) + ("/" if path.endswith("/") else "")
        walk = Walk(os.path.join(self.base, head).rstrip(b"/"), selection([pattern]), "follow", self._passed)
        empty = True
        for below_head, _ in walk:
            empty = False
            yield os.path.join(head, below_head)
        if empty:
            raise InputError("no file matches the pattern", where=shown(path), hint=self._relative_to())

    def _probe(self, name: bytes) -> Named:
        path = os.path.join(self.base, name)
        try:
            fd = os.open(path, _FLAGS)
        except FileNotFoundError:
            raise InputError("no such file", where=shown(name), hint=self._relative_to()) from None
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", where=shown(name)) from error
        try:
            found = os.fstat(fd)
            _require_file(found, name)
            head = os.pread(fd, HEAD, 0)
        finally:
            os.close(fd)
        how = packing(self.policy, name, head)
        if found.st_size and not begins(how, head):
            raise InputError(f"is not {how} data", where=shown(name), hint="if it is plain text: compression: none")
        return Named(name, found.st_size, found.st_mtime_ns, how)

    def _relative_to(self) -> str:
        return f"paths are relative to {shown(self.base)}"


def _require_file(found: os.stat_result, name: bytes) -> None:
    if stat.S_ISDIR(found.st_mode):
        example = shown(os.path.normpath(os.path.join(name, b"*")))
        raise InputError("is a folder, not a file", where=shown(name) or ".", hint=f"write {example!r} for its files")
    if not stat.S_ISREG(found.st_mode):
        raise InputError("is not a regular file, so it cannot be read in parts or again", where=shown(name))
