"""The garbage collector of a worker: settled before the job, and for `gc: auto` made rarer where its pauses cost.

Guarantees: an explicit `runtime.gc` is obeyed and never changed; the main thread collects nothing once the job runs: a
lane does it between two chunks; where no lane comes to that, collections are automatic again. Assumes: all but the
listening is called from the main thread.
"""

import gc
import math
import time

from orchestrator.engine.pool import Pool
from orchestrator.host.memory import resident_bytes
from orchestrator.measure.collecting import WINDOW, Collected, Collecting, automatic, choose
from orchestrator.measure.node import Pauses
from orchestrator.measure.usage import PauseWatch
from orchestrator.spec.model import JobSpec

GROWN = 0.25
"""While collections are rare, memory that grew by this share, and by LEAST bytes, since the last one calls for one."""
LEAST = 32 << 20

_OFTEN = 0.1


def settle_gc(spec: JobSpec) -> None:
    """Do as the job says; what set-up made lives as long as the job, and collections need not look at it again."""
    if spec.runtime.gc in ("auto", "freeze"):
        gc.collect()
        gc.freeze()
    elif spec.runtime.gc == "off":
        gc.disable()


class GcWatch:
    """Listens to the collections, and acts on what they cost.

    Attributes:
        chosen: how garbage is collected, None where that is not ours to choose.
    """

    def __init__(self, spec: JobSpec, on_threads: bool) -> None:
        settle_gc(spec)
        self._first = gc.get_threshold()[0]
        # A task that has set the collector by itself knows better.
        ours = spec.runtime.gc == "auto" and on_threads and gc.isenabled() and self._first > 0
        self.chosen = Collecting("freeze", self._first) if ours else None
        self._pauses = PauseWatch()
        self._pauses.start()
        self._began = time.monotonic()
        self._before = Pauses()
        self._looked = 0.0
        self._resident = 0

    def look(self, memory: float, calm: bool) -> None:
        """Choose again, from what was heard since the last time.

        Args:
            memory: the share of the memory limit that is in use.
            calm: whether collections may be made rarer now: no windows are measured that should be alike.
        """
        chosen = self.chosen
        if chosen is None or not (calm or chosen.mode != "freeze"):
            return
        now, heard = time.monotonic(), self._pauses.heard
        seen = _between(self._before, heard, now - self._began, memory)
        choice = choose(chosen, seen, self._first)
        if choice is not chosen:
            self._act(choice)
        if choice is not chosen or seen.seconds >= WINDOW:
            self._began, self._before = now, heard

    def pause(self) -> float:
        """In how many seconds to call `step` again; infinite while collections are automatic."""
        if self.chosen is None or self.chosen.mode == "freeze":
            return math.inf
        return self._looked + _OFTEN - time.monotonic()

    def step(self, pool: Pool) -> None:
        """Have a lane collect if memory grew while collections are rare."""
        chosen = self.chosen
        if chosen is None or self.pause() > 0:
            return
        self._looked, resident = time.monotonic(), resident_bytes() or 0
        self._resident = min(self._resident, resident)
        if not grown(self._resident, resident):
            return
        self._resident = resident
        if pool.errand is not None and chosen.mode == "off":
            self._act(automatic(chosen, self._first, "memory grew, and no thread came to collect between two chunks"))
        pool.errand = gc.collect

    def stop(self) -> Pauses:
        """End listening, and give what was heard."""
        return self._pauses.stop()

    def _act(self, choice: Collecting) -> None:
        self.chosen = choice
        gc.set_threshold(choice.threshold)
        if choice.mode == "off":
            gc.disable()
        else:
            gc.enable()
        self._resident = resident_bytes() or 0


def grown(before: int, now: int) -> bool:
    """Whether resident memory grew by enough to be worth a collection; bytes."""
    return now - before > max(LEAST, GROWN * before)


def _between(before: Pauses, after: Pauses, seconds: float, memory: float) -> Collected:
    return Collected(
        seconds=seconds,
        count=after.count - before.count,
        paused=after.seconds - before.seconds,
        freed=after.freed - before.freed,
        memory=memory,
    )
