"""The garbage collector of a worker: settled before the job, and for `gc: auto` made rarer where its pauses cost.

Guarantees: an explicit `runtime.gc` is obeyed and never changed; nothing is collected in the main thread once the job
runs: a lane does it between two chunks. Assumes: `look` is called from one thread.
"""

import gc
import time

from orchestrator.engine.pool import Pool
from orchestrator.host.memory import resident_bytes
from orchestrator.measure.collecting import WINDOW, Collected, Collecting, choose
from orchestrator.measure.node import Pauses
from orchestrator.measure.usage import PauseWatch
from orchestrator.spec.model import JobSpec

GROWN = 0.25
"""While collections are rare, memory that grew by this share, and by LEAST bytes, since the last one calls for one."""
LEAST = 32 << 20


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
        self._resident = 0

    def look(self, pool: Pool, memory: float, calm: bool) -> None:
        """Change what costs too much, and have a lane collect if memory grew.

        Args:
            pool: whose lanes collect.
            memory: the share of the memory limit that is in use.
            calm: whether collections may be made rarer now: no windows are measured that should be alike.
        """
        chosen = self.chosen
        if chosen is None:
            return
        now, heard = time.monotonic(), self._pauses.heard
        seen = _between(self._before, heard, now - self._began, memory)
        if calm or chosen.mode != "freeze":
            self.chosen = choose(chosen, seen, self._first)
        if self.chosen is not chosen:
            self._act(self.chosen, pool)
        if self.chosen is not chosen or seen.seconds >= WINDOW:
            self._began, self._before = now, heard
        if self.chosen.mode != "freeze":
            self._collect_grown(pool)

    def stop(self) -> Pauses:
        """End listening, and give what was heard."""
        return self._pauses.stop()

    def _act(self, chosen: Collecting, pool: Pool) -> None:
        gc.set_threshold(chosen.threshold)
        if chosen.mode == "off":
            gc.disable()
        else:
            gc.enable()
        self._resident = resident_bytes() or 0
        if chosen.final:
            pool.errand = gc.collect

    def _collect_grown(self, pool: Pool) -> None:
        resident = resident_bytes() or 0
        if resident - self._resident > max(LEAST, GROWN * self._resident):
            pool.errand = gc.collect
            self._resident = resident
        self._resident = min(self._resident, resident)


def _between(before: Pauses, after: Pauses, seconds: float, memory: float) -> Collected:
    return Collected(
        seconds=seconds,
        count=after.count - before.count,
        paused=after.seconds - before.seconds,
        freed=after.freed - before.freed,
        memory=memory,
    )
