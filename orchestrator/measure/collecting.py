"""Chooses how often the cyclic garbage collector runs, from what its collections cost and found; pure.

A collection of free-threaded Python stops all threads and looks at every container that is alive, whatever its age. How
often pays depends on what it finds: freeing garbage takes its time in any case, looking at what lives is lost.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

PAUSED = 0.02
"""Collections that stop the threads for less than this share of the time are left as they are."""
WORTH = 500e-9
"""Seconds a freed object up to which it is freeing that takes the time, not looking; rarer collections gain nothing."""
FOUND = 0.1
"""Collections find garbage if it is at least this share of the containers that have to pile up before one."""
RAISE = 16
"""How much rarer at a time."""
MOST = 500_000
"""No threshold beyond this: it is objects, and they may be large."""
HALF = 0.5
"""From this share of the memory limit on, collections are automatic again, for good."""
WINDOW = 1.0
"""Seconds of the job that are looked at before anything is changed."""


class Collecting(Struct, frozen=True):
    """How garbage is collected.

    Attributes:
        mode: "freeze": what set-up made is left out, and collections come when Python wants them; "threshold": they
            come later than that; "off": only when memory has grown.
        threshold: how many more containers than before there are when a collection comes (gc.set_threshold); while
            off, the one to go back to.
        reason: how it came to that; empty while nothing was changed.
        final: nothing is to be changed any more.
    """

    mode: Literal["freeze", "threshold", "off"]
    threshold: int
    reason: str = ""
    final: bool = False


class Collected(Struct, frozen=True):
    """What was seen in so many seconds of the job: collections, seconds in them, objects they freed; and the share of
    the memory limit in use (0 where there is none).
    """

    seconds: float
    count: int
    paused: float
    freed: int
    memory: float


def choose(now: Collecting, seen: Collected, first: int) -> Collecting:
    """How to go on; `now` itself where nothing is to be changed.

    Args:
        now: how garbage is collected.
        seen: since that, or since the last time that this was asked.
        first: the threshold that Python began with.
    """
    if now.final or (now.mode == "freeze" and seen.memory >= HALF):
        return now
    if seen.memory >= HALF:
        return automatic(now, first, f"{_percent(seen.memory)} of the memory limit is in use")
    if seen.seconds < WINDOW or not seen.count:
        return now
    return _judge_rare(now, seen) if now.mode == "off" else _judge_pauses(now, seen)


def automatic(now: Collecting, first: int, why: str) -> Collecting:
    """Collections when Python wants them, for good."""
    return Collecting("freeze", first, _and(now.reason, f"automatic again, as {why}"), final=True)


def _judge_rare(now: Collecting, seen: Collected) -> Collecting:
    """Whether the collections that memory called for found enough to have them automatic."""
    each = seen.freed / seen.count
    if each < FOUND * now.threshold:
        return now
    return Collecting("threshold", now.threshold, _and(now.reason, f"on again, as one freed {each:,.0f} objects"))


def _judge_pauses(now: Collecting, seen: Collected) -> Collecting:
    share = seen.paused / seen.seconds
    if share < PAUSED:
        return now
    if seen.paused > WORTH * seen.freed:
        return _rarer(now, f"{_percent(share)} of the time in collections", seen.freed / seen.count)
    if now.reason:
        return now
    return replace(now, reason=f"{_percent(share)} of the time in collections, for the garbage that they freed")


def _rarer(now: Collecting, cost: str, each: float) -> Collecting:
    """The next step from collections that cost too much, and free so many objects each."""
    if now.mode == "threshold" and each < FOUND * now.threshold:
        return Collecting("off", now.threshold, _and(now.reason, f"off for {cost} and little freed"))
    threshold = min(MOST, now.threshold * RAISE)
    if threshold <= now.threshold:
        return now
    return Collecting("threshold", threshold, _and(now.reason, f"threshold {threshold:,} for {cost}"))


def _and(before: str, why: str) -> str:
    return f"{before}; {why}" if before else why


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
