"""One look at a piece of a tree: the names in a folder, and what some of them are.

Any thread may look: nothing is shared, and what was seen comes back as plain data, with the error that ended the look
in its place, for the walk to tell in order.
"""

import errno
import glob
import os
import resource
import stat
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from orchestrator.errors import InputError
from orchestrator.inputs.globs import Selection
from orchestrator.inputs.passed import Reason
from orchestrator.inputs.paths import shown

SLICE = 512
"""So many names are looked at in one go."""

type Symlinks = Literal["skip", "inside", "follow"]
type Found = tuple[bytes, os.stat_result]
type Identity = tuple[int, int]


class Folder(Struct, frozen=True):
    """A folder to enter.

    Attributes:
        path: below the root.
        identity: what tells it from others, whatever its name.
    """

    path: bytes
    identity: Identity


class Seen(Struct, frozen=True):
    """What a run of names of one folder came to.

    Attributes:
        steps: files and folders, in order; an error is the last one.
        folders: those of the steps that are folders.
        passed: what was passed over.
        slept: how often the thread waited meanwhile (for a disk, or a server).
    """

    steps: list[Found | Folder | InputError]
    folders: list[Folder]
    passed: list[Reason]
    slept: int


class Opened(Struct, frozen=True):
    """A folder's names, and what the first of them came to.

    Attributes:
        prefix: what the paths of its names begin with.
        names: sorted by their bytes.
        others: those that are no plain files, by the listing.
        first: what the first SLICE names came to.
    """

    prefix: bytes
    names: list[bytes]
    others: frozenset[bytes]
    first: Seen


class Looker(Struct, frozen=True):
    """Looks at names below one root, by the rules of one job.

    Attributes:
        root: the folder, absolute.
        selection: which paths are taken.
        symlinks: skip them, follow those that stay inside the root, or follow all.
        above: what a path below the root is joined to, to be looked at.
        real: the root without symbolic links.
    """

    root: bytes
    selection: Selection
    symlinks: Symlinks
    above: bytes
    real: bytes

    def top(self) -> Folder:
        """The root itself.

        Raises:
            InputError: it is no folder, or cannot be looked at.
        """
        try:
            found = os.stat(self.root)
        except FileNotFoundError:
            raise InputError("the input folder does not exist", where=shown(self.root)) from None
        except OSError as error:
            raise self._refusal(b"", error) from error
        if not stat.S_ISDIR(found.st_mode):
            parent, name = os.path.split(self.root)
            raise InputError(
                "the input's root is not a folder",
                where=shown(self.root),
                hint=f"for one file, write root: {shown(parent)!r} and include: [{shown(name)!r}]",
            )
        return Folder(b"", (found.st_dev, found.st_ino))

    def open(self, path: bytes) -> Opened | None:
        """List a folder, and look at its first names; None if it vanished.

        Raises:
            InputError: it cannot be read.
        """
        names: list[bytes] = []
        others: list[bytes] = []
        try:
            with os.scandir(os.path.join(self.root, path) if path else self.root) as listing:
                for entry in listing:
                    names.append(entry.name)
                    if not entry.is_file(follow_symlinks=False):
                        others.append(entry.name)
        except FileNotFoundError, NotADirectoryError:
            return None
        except OSError as error:
            raise self._refusal(path, error) from error
        names.sort()
        prefix, strange = path + b"/" if path else b"", frozenset(others)
        return Opened(prefix, names, strange, self.look(prefix, names[:SLICE], strange))

    def look(self, prefix: bytes, names: Sequence[bytes], others: frozenset[bytes]) -> Seen:
        """What names of a folder are; kinds come from its listing where the file system gives them."""
        before = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
        steps: list[Found | Folder | InputError] = []
        seen = Seen(steps, [], [], 0)
        takes = None if self.selection.takes_all else self.selection.takes
        try:
            for name in names:
                path = prefix + name
                if name in others:
                    self._look_closer(path, seen)
                elif takes is None or takes(path):
                    found = self._stat(path, follow=False)
                    if found is not None and stat.S_ISREG(found.st_mode):
                        steps.append((path, found))
                    else:
                        # The listing called it a plain file.
                        seen.passed.append(Reason.VANISHED if found is None else Reason.SPECIAL)
        except InputError as error:
            steps.append(error)
        slept = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw - before
        return Seen(steps, seen.folders, seen.passed, slept)

    def _look_closer(self, path: bytes, seen: Seen) -> None:
        """At a name that is no plain file: a file behind a link, a folder to enter, or nothing."""
        takes, enters = self.selection.takes(path), self.selection.enters(path)
        if not takes and not enters:
            return
        found = self._stat(path, follow=False)
        gone = Reason.VANISHED
        if found is not None and stat.S_ISLNK(found.st_mode):
            if self.symlinks != "follow" and (reason := self._objection(path)):
                seen.passed.append(reason)
                return
            found, gone = self._stat(path, follow=True), Reason.DANGLING
        if found is None:
            seen.passed.append(gone)
        elif stat.S_ISDIR(found.st_mode):
            if enters:
                folder = Folder(path, (found.st_dev, found.st_ino))
                seen.steps.append(folder)
                seen.folders.append(folder)
        elif takes and stat.S_ISREG(found.st_mode):
            seen.steps.append((path, found))
        elif takes:
            seen.passed.append(Reason.SPECIAL)

    def _objection(self, path: bytes) -> Reason | None:
        """Why a symbolic link is not followed."""
        if self.symlinks == "skip":
            return Reason.LINK
        target = os.path.realpath(os.path.join(self.root, path))
        inside = target == self.real or target.startswith(self.real.rstrip(b"/") + b"/")
        return None if inside else Reason.OUTSIDE

    def _stat(self, path: bytes, *, follow: bool) -> os.stat_result | None:
        """None where there is nothing: it vanished, or the link leads nowhere or in a circle."""
        try:
            # Joined by hand: `os.path.join` would take a third of the time that looking at a file takes.
            return os.stat(self.above + path, follow_symlinks=follow)
        except FileNotFoundError, NotADirectoryError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                return None
            # What may not be looked at lies in a folder that may not be searched: name the folder.
            raise self._refusal(os.path.dirname(path) if error.errno == errno.EACCES else path, error) from error

    def _refusal(self, path: bytes, error: OSError) -> InputError:
        """Why the walk stops: data that is silently left out is worse than a job that does not start."""
        pattern = shown(glob.escape(path))
        return InputError(
            f"cannot be read: {error.strerror or error}",
            where=shown(os.path.join(self.root, path) if path else self.root),
            hint=f"make it readable, or leave it out: exclude: [{pattern!r}]" if path else None,
        )


def looker(root: bytes, selection: Selection, symlinks: Symlinks) -> Looker:
    """What looks below a folder (absolute)."""
    return Looker(root, selection, symlinks, root.rstrip(b"/") + b"/", os.path.realpath(root))
