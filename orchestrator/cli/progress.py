"""Rates and the time that is left, from pictures of the status board; pure but for the clock that is handed in."""

from collections import deque
from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine.board import Board, Picture

_WINDOW_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How a run goes.

    Attributes:
        picture: the board.
        items_per_second, bytes_per_second: over the last ten seconds.
        fraction: how much is done (0 to 1), None where it cannot be told.
        seconds_left: None where it cannot be told.
    """

    picture: Picture
    items_per_second: float
    bytes_per_second: float
    fraction: float | None
    seconds_left: float | None


class Odometer:
    """Keeps the last pictures of a board, and tells the pace."""

    def __init__(self, board: Path) -> None:
        self._path = board
        self._board: Board | None = None
        self._seen: deque[tuple[float, int, int]] = deque()

    def read(self, now: float) -> Pace | None:
        """The pace at this moment (seconds, monotonic); None while there is no board yet."""
        if self._board is None:
            try:
                self._board = Board.open(self._path)
            except FileNotFoundError, ValueError:
                return None
        picture = self._board.read()
        self._seen.append((now, picture.items, picture.nbytes))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW_SECONDS:
            self._seen.popleft()
        return _pace(picture, self._seen)


def _pace(picture: Picture, seen: deque[tuple[float, int, int]]) -> Pace:
    (start, items, nbytes), (end, items_now, bytes_now) = seen[0], seen[-1]
    seconds = end - start
    items_rate = (items_now - items) / seconds if seconds > 0 else 0.0
    bytes_rate = (bytes_now - nbytes) / seconds if seconds > 0 else 0.0
    fraction = left = None
    if picture.total_items > 0:
        fraction = min(1.0, picture.items / picture.total_items)
        left = (picture.total_items - picture.items) / items_rate if items_rate > 0 else None
    elif picture.total_bytes > 0:
        fraction = min(1.0, picture.nbytes / picture.total_bytes)
        left = (picture.total_bytes - picture.nbytes) / bytes_rate if bytes_rate > 0 else None
    return Pace(picture, items_rate, bytes_rate, fraction, left)
