"""A folder on a walk's current path: what was seen of it, what is looked at ahead of the walk, and what comes then.

Assumes: one thread walks; the looks themselves are made in any.
"""

from collections import deque
from collections.abc import Iterator
from functools import partial

from orchestrator.errors import InputError
from orchestrator.inputs.ahead import Ahead, Call
from orchestrator.inputs.look import SLICE, Folder, Found, Looker, Opened, Seen
from orchestrator.inputs.passed import Passed

FEWEST = 3
MOST = 32
MOST_NAMES = 1 << 18

_OFTEN, _SELDOM = 8, 64


def size_after(size: int, names: int, slept: int) -> int:
    """How many looks are to be begun ahead, after one at so many names in which the thread slept so often.

    A thread that sleeps waits for a disk or a server, which can do more at once; one that does not needs a CPU, and
    more of them would only be in the way of others.
    """
    if slept * _OFTEN >= names > 0:
        return min(MOST, size * 2)
    return max(FEWEST, size // 2) if slept * _SELDOM < names else size


class Window:
    """How much is looked at ahead, by all levels of a walk together."""

    def __init__(self, looker: Looker, ahead: Ahead) -> None:
        self._looker = looker
        self._ahead = ahead
        self._size = FEWEST
        self._slices: set[Call[Seen]] = set()
        self._folders: set[Call[Opened | None]] = set()

    @property
    def has_room(self) -> bool:
        """Whether another look may begin."""
        if len(self._slices) + len(self._folders) >= self._size:
            return False
        opened = (call.result for call in self._folders if call.done)
        return sum(len(one.names) for one in opened if one) < MOST_NAMES

    def begin_folder(self, folder: Folder) -> Call[Opened | None]:
        """Have a folder opened ahead."""
        call = self._ahead.start(partial(self._looker.open, folder.path))
        self._folders.add(call)
        return call

    def begin_slice(self, opened: Opened, at: int) -> Call[Seen]:
        """Have names of a folder looked at ahead."""
        call = self._ahead.start(partial(_look, self._looker, opened, at))
        self._slices.add(call)
        return call

    def folder(self, folder: Folder, call: Call[Opened | None] | None) -> Opened | None:
        """The folder, opened ahead or now; None if it vanished.

        Raises:
            InputError: it cannot be read.
        """
        if call is None:
            return self._looker.open(folder.path)
        self._folders.discard(call)
        opened = self._ahead.result(call)
        if opened is not None:
            self._note(min(SLICE, len(opened.names)), opened.first.slept)
        return opened

    def slice(self, opened: Opened, at: int, call: Call[Seen] | None) -> Seen:
        """What names of a folder are, looked at ahead or now."""
        if call is None:
            return _look(self._looker, opened, at)
        self._slices.discard(call)
        seen = self._ahead.result(call)
        self._note(min(SLICE, len(opened.names) - at), seen.slept)
        return seen

    def forget(self, call: Call[Opened | None]) -> None:
        """Nobody will ask for that folder."""
        self._folders.discard(call)

    def _note(self, names: int, slept: int) -> None:
        self._size = size_after(self._size, names, slept)


def _look(looker: Looker, opened: Opened, at: int) -> Seen:
    return looker.look(opened.prefix, opened.names[at : at + SLICE], opened.others)


class Level:
    """One folder on the current path.

    Attributes:
        folder: which.
        steps: what it holds, in order: files, folders to enter, at last perhaps why the rest cannot be read.
    """

    def __init__(self, folder: Folder, opened: Opened, window: Window, passed: Passed) -> None:
        self.folder = folder
        self._opened = opened
        self._window = window
        self._passed = passed
        self._at = SLICE
        self._slices: deque[tuple[int, Call[Seen]]] = deque()
        self._coming: deque[Folder] = deque()
        self._opening: deque[Call[Opened | None]] = deque()
        self.steps = self._all_steps()

    def look_ahead(self) -> None:
        """Begin to look at what comes next, as far as there is room."""
        while self._coming and self._window.has_room:
            self._opening.append(self._window.begin_folder(self._coming.popleft()))
        while self._at < len(self._opened.names) and self._window.has_room:
            self._slices.append((self._at, self._window.begin_slice(self._opened, self._at)))
            self._at += SLICE

    def enter(self, folder: Folder) -> Level | None:
        """The folder that the last step told of, opened; None if it vanished.

        Raises:
            InputError: it cannot be read.
        """
        call = self._opening.popleft() if self._opening else None
        if call is None:
            self._coming.popleft()
        opened = self._window.folder(folder, call)
        return None if opened is None else Level(folder, opened, self._window, self._passed)

    def pass_by(self) -> None:
        """Do not enter the folder that the last step told of."""
        if self._opening:
            self._window.forget(self._opening.popleft())
        else:
            self._coming.popleft()

    def _all_steps(self) -> Iterator[Found | Folder | InputError]:
        seen: Seen | None = self._opened.first
        while seen is not None:
            for reason in seen.passed:
                self._passed.add(reason)
            self._coming.extend(seen.folders)
            self.look_ahead()
            yield from seen.steps
            seen = self._next()

    def _next(self) -> Seen | None:
        """What the next names came to; None after the last."""
        if self._slices:
            at, call = self._slices.popleft()
            return self._window.slice(self._opened, at, call)
        at = self._at
        if at >= len(self._opened.names):
            return None
        self._at += SLICE
        return self._window.slice(self._opened, at, None)
