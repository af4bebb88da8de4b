"""Rates and the time that is left, from pictures of the status board; pure but for the clock that is handed in."""

from collections import deque
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from orchestrator.engine.board import TOGETHER, UNKNOWN, Board, Picture
from orchestrator.report.words import count, duration, number, size

_WINDOW_SECONDS = 10.0
_BAR = 24


class Pace(Struct, frozen=True):
    """How a run goes.

    Attributes:
        picture: the board.
        items_per_second, bytes_per_second: over the last ten seconds, or since the start if that is later.
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

    def __init__(self, board: Path | Board, start: float) -> None:
        """Begin to measure.

        Args:
            board: the board, or its file, which need not be there yet.
            start: when the worker began (seconds, monotonic).
        """
        self._open = board if isinstance(board, Board) else None
        self._path = board if isinstance(board, Path) else board.path
        self._start = start
        self._seen: deque[tuple[float, int, int]] = deque()

    def read(self, now: float) -> Pace | None:
        """The pace at this moment (seconds, monotonic); None while there is no board yet."""
        if self._open is None:
            try:
                self._open = Board.open(self._path)
            except FileNotFoundError, ValueError:
                return None
        picture = self._open.read()
        if not self._seen:
            self._seen.append((self._start, picture.done_items, picture.done_bytes))
        self._seen.append((now, picture.items, picture.nbytes))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW_SECONDS:
            self._seen.popleft()
        return pace_of(picture, self._seen[0], self._seen[-1])


def pace_of(picture: Picture, before: tuple[float, int, int], now: tuple[float, int, int]) -> Pace:
    """The pace between two moments, each a time in seconds with the items and the bytes done by then."""
    (start, items, nbytes), (end, items_now, bytes_now) = before, now
    seconds = end - start
    items_rate = max(0, items_now - items) / seconds if seconds > 0 else 0.0
    bytes_rate = max(0, bytes_now - nbytes) / seconds if seconds > 0 else 0.0
    fraction = left = None
    if picture.total_items > 0:
        fraction = min(1.0, picture.items / picture.total_items)
        left = max(0, picture.total_items - picture.items) / items_rate if items_rate > 0 else None
    elif picture.total_bytes > 0:
        fraction = min(1.0, picture.nbytes / picture.total_bytes)
        left = max(0, picture.total_bytes - picture.nbytes) / bytes_rate if bytes_rate > 0 else None
    return Pace(picture, items_rate, bytes_rate, fraction, left)


class Running(Struct, frozen=True):
    """A shard that is worked on: its board, and the seconds since its worker began."""

    picture: Picture
    seconds: float


def whole_pace(
    running: Sequence[Running], elsewhere: tuple[int, int], total_items: int | None, fraction: float
) -> Pace:
    """The pace of a run of many shards; rates are averages since the workers began.

    Args:
        running: the shards that are worked on here.
        elsewhere: items and bytes that are done of the others.
        total_items: of the whole run, None where that is not known.
        fraction: how much of the run is committed (0 to 1), for where it is not.
    """
    pictures = [one.picture for one in running]
    whole = Picture(
        total_items=UNKNOWN if total_items is None else total_items,
        total_bytes=UNKNOWN,
        done_items=elsewhere[0] + sum(picture.done_items for picture in pictures),
        done_bytes=elsewhere[1] + sum(picture.done_bytes for picture in pictures),
        target=sum(picture.target for picture in pictures),
        phase=TOGETHER,
        lines=tuple(line for picture in pictures for line in picture.lines),
    )
    rate = sum((one.picture.items - one.picture.done_items) / one.seconds for one in running)
    byte_rate = sum((one.picture.nbytes - one.picture.done_bytes) / one.seconds for one in running)
    if not total_items:
        return Pace(whole, rate, byte_rate, fraction, None)
    left = max(0, total_items - whole.items) / rate if rate > 0 else None
    return Pace(whole, rate, byte_rate, min(1.0, whole.items / total_items), left)


def pace_line(pace: Pace, width: int | None = None) -> str:
    """One line: a bar, done and total, rates, the time that is left, failures, busy threads.

    Args:
        pace: what to say.
        width: columns there are room for; what matters least is left out first. None for no limit.
    """
    parts = _parts(pace)
    for least in ("bar", "busy", "bytes", "rate", "share"):
        text = "  ".join(parts.values())
        if width is None or len(text) < width:
            return text
        parts.pop(least, None)
    return "  ".join(parts.values())


def _parts(pace: Pace) -> dict[str, str]:
    picture = pace.picture
    parts: dict[str, str] = {}
    if pace.fraction is not None:
        full = int(pace.fraction * _BAR)
        parts["bar"] = "━" * full + "╌" * (_BAR - full)
        parts["share"] = f"{int(100 * pace.fraction):3d} %"
    total = f"/{number(picture.total_items)}" if picture.total_items > 0 else ""
    parts["items"] = f"{number(picture.items)}{total} items"
    parts["rate"] = f"{number(round(pace.items_per_second, 1 if pace.items_per_second < 10 else None))}/s"
    if pace.bytes_per_second:
        parts["bytes"] = f"{size(pace.bytes_per_second)}/s"
    if pace.seconds_left is not None:
        parts["left"] = f"{duration(round(pace.seconds_left))} left"
    if picture.failed:
        parts["failed"] = f"{number(picture.failed)} failed"
    parts["busy"] = f"{picture.busy}/{count(picture.target, 'thread')} busy"
    return parts
