"""The files below a folder, in one stable order, streamed.

Order: paths compared name by name, names by their bytes; so a folder's files stand where the folder's own
name sorts among its siblings. It depends on the names alone, not on the file system or the locale.

Memory: the names in the folders on the current path, nothing else. Kinds come from the folder's listing where
the file system gives them, so a file costs one lstat and a folder one listing.
"""

import errno
import glob
import os
import stat
from collections.abc import Iterator
from typing import Literal, NoReturn

from msgspec import Struct

from orchestrator.errors import InputError
from orchestrator.inputs.globs import Selection
from orchestrator.inputs.passed import Passed, Reason
from orchestrator.inputs.paths import shown

type Symlinks = Literal["skip", "inside", "follow"]
type Found = tuple[bytes, os.stat_result]
type _Identity = tuple[int, int]


class _Folder(Struct, frozen=True):
    """A folder on the current path: where it is, what is still to be looked at, and which names are not plain
    files.
    """

    prefix: bytes
    names: Iterator[bytes]
    others: frozenset[bytes]
    identity: _Identity | None


class Walk:
    """Iterates over (path below the root, its stat result), once.

    Args:
        root: the folder, absolute.
        selection: which paths are taken.
        symlinks: skip them, follow those that stay inside the root, or follow all.
        passed: where to count what is passed over.

    Raises:
        InputError: while iterating: the root is no folder, or a folder cannot be read.
    """

    def __init__(self, root: bytes, selection: Selection, symlinks: Symlinks, passed: Passed) -> None:
        self._root = root
        # Joined by hand: `os.path.join` would take a third of the time that looking at a file takes.
        self._above = root.rstrip(b"/") + b"/"
        self._selection = selection
        self._symlinks = symlinks
        self._passed = passed
        self._real = os.path.realpath(root)

    def __iter__(self) -> Iterator[Found]:
        takes = self._selection.takes
        stack = [self._top()]
        while stack:
            folder = stack[-1]
            deeper: _Folder | None = None
            for name in folder.names:
                path = folder.prefix + name
                if name not in folder.others:
                    found = self._file(path) if takes(path) else None
                else:
                    found, deeper = self._other(path, stack)
                if found is not None:
                    yield path, found
                elif deeper is not None:
                    break
            if deeper is None:
                stack.pop()
            else:
                stack.append(deeper)

    def _top(self) -> _Folder:
        try:
            found = os.stat(self._root)
        except FileNotFoundError:
            raise InputError("the input folder does not exist", where=shown(self._root)) from None
        except OSError as error:
            self._refuse(b"", error)
        if not stat.S_ISDIR(found.st_mode):
            parent, name = os.path.split(self._root)
            raise InputError(
                "the input's root is not a folder",
                where=shown(self._root),
                hint=f"for one file, write root: {shown(parent)!r} and include: [{shown(name)!r}]",
            )
        return self._list(b"", self._root, _identity(found))

    def _file(self, path: bytes) -> os.stat_result | None:
        """The stat result of what the listing called a plain file, if it still is one."""
        found = self._stat(path, follow=False)
        if found is None:
            self._passed.add(Reason.VANISHED)
        elif not stat.S_ISREG(found.st_mode):
            self._passed.add(Reason.SPECIAL)
            return None
        return found

    def _other(self, path: bytes, stack: list[_Folder]) -> tuple[os.stat_result | None, _Folder | None]:
        """What a name that is no plain file comes to: a file behind a link, a folder to enter, or nothing."""
        takes, enters = self._selection.takes(path), self._selection.enters(path)
        if not takes and not enters:
            return None, None
        found = self._stat(path, follow=False)
        gone = Reason.VANISHED
        if found is not None and stat.S_ISLNK(found.st_mode):
            if self._symlinks != "follow" and (reason := self._objection(path)):
                self._passed.add(reason)
                return None, None
            found, gone = self._stat(path, follow=True), Reason.DANGLING
        if found is None:
            self._passed.add(gone)
        elif stat.S_ISDIR(found.st_mode):
            return None, self._enter(path, found, stack) if enters else None
        elif takes and stat.S_ISREG(found.st_mode):
            return found, None
        elif takes:
            self._passed.add(Reason.SPECIAL)
        return None, None

    def _objection(self, path: bytes) -> Reason | None:
        """Why a symbolic link is not followed."""
        if self._symlinks == "skip":
            return Reason.LINK
        target = os.path.realpath(os.path.join(self._root, path))
        inside = target == self._real or target.startswith(self._real.rstrip(b"/") + b"/")
        return None if inside else Reason.OUTSIDE

    def _enter(self, path: bytes, found: os.stat_result, stack: list[_Folder]) -> _Folder | None:
        """The folder, listed; None if it is one of those above it, or vanished."""
        identity = _identity(found)
        if self._symlinks != "skip" and any(above.identity == identity for above in stack):
            self._passed.add(Reason.LOOP)
            return None
        try:
            return self._list(path + b"/", os.path.join(self._root, path), identity)
        except FileNotFoundError, NotADirectoryError:
            self._passed.add(Reason.VANISHED)
            return None

    def _list(self, prefix: bytes, full: bytes, identity: _Identity) -> _Folder:
        names: list[bytes] = []
        others: list[bytes] = []
        try:
            with os.scandir(full) as listing:
                for entry in listing:
                    names.append(entry.name)
                    if not entry.is_file(follow_symlinks=False):
                        others.append(entry.name)
        except FileNotFoundError, NotADirectoryError:
            raise
        except OSError as error:
            self._refuse(prefix, error)
        names.sort()
        return _Folder(prefix, iter(names), frozenset(others), identity)

    def _stat(self, path: bytes, *, follow: bool) -> os.stat_result | None:
        """None where there is nothing: it vanished, or the link leads nowhere or in a circle."""
        try:
            return os.stat(self._above + path, follow_symlinks=follow)
        except FileNotFoundError, NotADirectoryError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                return None
            # What may not be looked at lies in a folder that may not be searched: name the folder.
            self._refuse(os.path.dirname(path) if error.errno == errno.EACCES else path, error)

    def _refuse(self, path: bytes, error: OSError) -> NoReturn:
        """Stop: data that is silently left out is worse than a job that does not start."""
        path = path.rstrip(b"/")
        pattern = shown(glob.escape(path))
        raise InputError(
            f"cannot be read: {error.strerror or error}",
            where=shown(os.path.join(self._root, path) if path else self._root),
            hint=f"make it readable, or leave it out: exclude: [{pattern!r}]" if path else None,
        ) from error


def _identity(found: os.stat_result) -> _Identity:
    return found.st_dev, found.st_ino
