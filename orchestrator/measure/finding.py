"""One cause of lost capacity, as data."""

from typing import Literal

from msgspec import Struct

type Cause = Literal["gil", "quota", "lock", "sharing", "crowding", "neighbours", "io", "gc", "tail", "input", "output"]


class Finding(Struct, frozen=True):
    """One cause.

    Attributes:
        cause: "gil" (the GIL is on), "quota" (throttled), "lock" (threads asleep on a lock), "sharing" (an item takes
            more CPU than with one thread), "crowding" (more threads than CPUs), "neighbours" (other processes took the
            CPUs), "io", "gc" (pauses), "tail" (imbalance), "input" (starved), "output" (slow to be taken).
        share: of the capacity, what it cost; from 0 to 1.
        evidence: what was measured, in words and numbers.
        advice: what to do.
    """

    cause: Cause
    share: float
    evidence: str
    advice: str
