"""The files below a folder, in one stable order, streamed.

Order: paths compared name by name, names by their bytes; so a folder's files stand where the folder's own
name sorts among its siblings. It depends on the names alone, not on the file system or the locale.

A look at a folder takes long where the file system is slow or far away, so threads look ahead of the walk: at the next
names of a large folder, and at the folders that come next. A few while looking keeps a CPU busy, many while they sleep.

Memory: the names in the folders on the current path, and what was seen ahead, which :mod:`orchestrator.inputs.level`
bounds. Kinds come from the folder's listing where the file system gives them, so a file costs one lstat and a folder
one listing.
"""

from collections.abc import Iterator, Sequence

from orchestrator.errors import InputError
from orchestrator.inputs.ahead import Ahead
from orchestrator.inputs.globs import Selection
from orchestrator.inputs.level import Level, Window
from orchestrator.inputs.look import Folder, Found, Symlinks, looker
from orchestrator.inputs.passed import Passed, Reason


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
        self._looker = looker(root, selection, symlinks)
        self._passed = passed

    def __iter__(self) -> Iterator[Found]:
        with Ahead() as ahead:
            top = self._top(ahead)
            stack = [] if top is None else [top]
            while stack:
                deeper: Level | None = None
                for step in stack[-1].steps:
                    if isinstance(step, tuple):
                        yield step
                        continue
                    if isinstance(step, InputError):
                        raise step
                    deeper = self._enter(step, stack)
                    if deeper is not None:
                        break
                if deeper is None:
                    stack.pop()
                else:
                    stack.append(deeper)
                for level in reversed(stack):
                    level.look_ahead()

    def _top(self, ahead: Ahead) -> Level | None:
        top = self._looker.top()
        opened = self._looker.open(top.path)
        return None if opened is None else Level(top, opened, Window(self._looker, ahead), self._passed)

    def _enter(self, folder: Folder, stack: Sequence[Level]) -> Level | None:
        """The folder, listed; None if it is one of those above it, or vanished."""
        looped = self._looker.symlinks != "skip" and any(above.folder.identity == folder.identity for above in stack)
        if looped:
            stack[-1].pass_by()
            self._passed.add(Reason.LOOP)
            return None
        deeper = stack[-1].enter(folder)
        if deeper is None:
            self._passed.add(Reason.VANISHED)
        return deeper
