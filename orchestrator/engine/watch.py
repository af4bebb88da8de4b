"""What the supervisor sees on the status board: items that do not move; pure but for the clock that is handed in."""

from msgspec import Struct

from orchestrator.engine.board import RUNNING, Picture
from orchestrator.engine.recovery import Flight

type Signature = tuple[int, int, int]

_LEAST_PATIENCE = 1.0


class _Seen(Struct):
    signature: Signature
    since: float
    told: bool = False


class HangWatch:
    """Tells which items take longer than their time, and which of them would not be ended."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._patience = max(_LEAST_PATIENCE, min(seconds, 5.0))
        self._seen: dict[int, _Seen] = {}

    @property
    def tick(self) -> float:
        """How often to look, in seconds."""
        return min(0.25, self._seconds / 4)

    def look(self, picture: Picture, now: float) -> tuple[list[Flight], list[Flight]]:
        """The items whose time is over now, and those that were told and still run.

        Args:
            picture: the board.
            now: seconds, monotonic.
        """
        over: list[Flight] = []
        stuck: list[tuple[float, Flight]] = []
        for lane, line in enumerate(picture.lines):
            if line.state != RUNNING or line.item < 0:
                self._seen.pop(lane, None)
                continue
            signature = (line.lo, line.item, line.chunks)
            seen = self._seen.get(lane)
            if seen is None or seen.signature != signature:
                self._seen[lane] = _Seen(signature, now)
                continue
            flight = Flight(lane, line.lo, line.hi, line.item)
            if not seen.told and now - seen.since > self._seconds:
                seen.told = True
                over.append(flight)
            elif seen.told and now - seen.since > self._seconds + self._patience:
                stuck.append((seen.since, flight))
        # A thread that spins in C may hold up all others, which then do not move either: it began first.
        return over, [flight for _, flight in sorted(stuck, key=lambda pair: pair[0])]
