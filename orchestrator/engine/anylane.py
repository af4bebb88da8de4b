"""What a pool's thread needs of a lane, and what it leaves when it ends."""

from typing import Protocol

from orchestrator.engine.dispenser import Chunk
from orchestrator.engine.lanewatch import LaneWatch
from orchestrator.engine.outcome import Outcome
from orchestrator.engine.pace import Pace


class AnyLane[C = Chunk](Protocol):
    """What a thread needs of a lane, whether it computes here or in another process."""

    @property
    def pace(self) -> Pace:
        """How its chunks went."""
        ...

    @property
    def unsettled(self) -> int:
        """How many chunks wait for a retry."""
        ...

    @property
    def stack(self) -> str:
        """Where it was when its item was told to end."""
        ...

    def expire(self, lo: int, item: int) -> bool:
        """End an item, if the lane still runs it; says whether."""
        ...

    def next_due(self) -> float | None:
        """When the next retry is due."""
        ...

    def run(self, chunk: C) -> Outcome | None:
        """Do a chunk."""
        ...

    def settle(self) -> Outcome | None:
        """Do a retry that is due."""
        ...

    @property
    def place(self) -> str:
        """The folder of /proc that tells of the thread that computes."""
        ...

    def cpu_seconds(self) -> float:
        """CPU seconds it has used."""
        ...

    def close(self) -> None:
        """Release what the lane holds."""
        ...


class ThreadRecord:
    """What one thread leaves for the report; complete once it ended."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.pace = Pace()
        self.watch = LaneWatch()
        self.cpu_seconds = 0.0
        self.wall_seconds = 0.0
