"""Keeps a shard's work going: watches the worker through the board, and starts another when it died.

Guarantees: an item that kills its worker, never ends, or takes all memory costs that item (twice run at most) and the
work since the last commit, not the run; a stop is asked for once, and a second signal ends the worker at once. Assumes:
it is used from the main thread, as signal handlers are set.
"""

import math
import selectors
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from orchestrator.engine.board import Board, Picture
from orchestrator.engine.protocol import Ended, Expire, Load, Replace, Stop, Work
from orchestrator.engine.recovery import Death, Flight, Recovery, after_death, after_hang, eased
from orchestrator.engine.signals import Signals
from orchestrator.engine.supervisor import Worker, reap_orphans
from orchestrator.engine.watch import HangWatch
from orchestrator.errors import Interrupted, TooManyFailed, WorkerDied
from orchestrator.host.memory import show_bytes
from orchestrator.spec.model import JobSpec

_TICK = 0.25
_PATIENCE = 1.0
_MARGIN = 10.0
_COMMIT_SECONDS_AFTER_DEATH = 0.2
_CRASH = "crash.txt"


class Charge(Struct, frozen=True):
    """What a keeper keeps going.

    Attributes:
        spec: the job.
        load: how a new worker is told of it.
        board: where the worker's status board lies.
        hint: how to go on with the run after it was given up.
    """

    spec: JobSpec
    load: Load
    board: Path
    hint: str = "Go on with --resume."


class Keeper:
    """Runs a shard's work to its end, with as many workers as it takes."""

    def __init__(self, charge: Charge, on_start: Callable[[], None], on_tick: Callable[[str | None], None]) -> None:
        self.known = Recovery()
        self._charge = charge
        self._on_start = on_start
        self._on_tick = on_tick
        self._stop: str | None = None
        self._worker: Worker | None = None
        self._hears_by = self._gone_by = self._kill_at = math.inf
        self._stuck: Flight | None = None
        self._cause: str | None = None
        self._loading = False
        self._hangs: HangWatch | None = None
        timeout = charge.spec.timeout.job
        self._deadline = None if timeout is None else time.monotonic() + timeout.seconds

    def run(self, worker: Worker, work: Work) -> Ended:
        """Do the work, beginning with a worker that has loaded the task.

        Raises:
            WorkerDied: more workers died than `failures.max_crashes` allows, or again and again without an item.
            Interrupted: it was stopped at once by a second signal.
            FtorchError: what the worker raised.
        """
        with Signals() as signals:
            return self._to_the_end(self._watch(worker, work, signals), work, signals)

    def run_anew(self, work: Work) -> Ended:
        """Do the work with a new worker; otherwise like `run`."""
        with Signals() as signals:
            return self._to_the_end(self._watch_another(work, signals), work, signals)

    def _to_the_end(self, ended: Ended | Death, work: Work, signals: Signals) -> Ended:
        threads = work.threads
        while not isinstance(ended, Ended) or ended.state == "replaced":
            self._learn(ended)
            work = msgspec.structs.replace(
                work,
                threads=eased(threads, self.known),
                trials=self.known.trials,
                commit_seconds=_COMMIT_SECONDS_AFTER_DEATH,
                replace=True,
            )
            ended = self._watch_another(work, signals)
        return ended

    def _watch_another(self, work: Work, signals: Signals) -> Ended | Death:
        """Start a new worker, and see it to its end; one that dies while it loads the task has died like any other."""
        with Worker() as worker:
            worker.load(self._charge.load)
            self._turn_to(worker, loading=True)
            self._clear_traces()
            self._attend(worker, signals)
            try:
                worker.loaded()
            except WorkerDied as death:
                return Death(-death.signal)
            return self._watch(worker, work, signals)

    def _watch(self, worker: Worker, work: Work, signals: Signals) -> Ended | Death:
        """See one worker to its end."""
        self._turn_to(worker, loading=False)
        timeout = self._charge.spec.timeout.item
        self._hangs = None if timeout is None else HangWatch(timeout.seconds)
        self._clear_traces()
        worker.begin(work)
        self._on_start()
        self._attend(worker, signals)
        return worker.finished()

    def _turn_to(self, worker: Worker, loading: bool) -> None:
        """Look after that worker from now on; what was expected of the last one is not expected of it."""
        self._worker, self._loading, self._stuck, self._cause = worker, loading, None, None
        self._hears_by = self._gone_by = self._kill_at = math.inf

    def _attend(self, worker: Worker, signals: Signals) -> None:
        """Look after a worker until it says something, or is gone."""
        tick = _TICK if self._hangs is None else self._hangs.tick
        with selectors.DefaultSelector() as selector:
            selector.register(worker.channel, selectors.EVENT_READ)
            selector.register(signals.wakeup, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select(tick)]
                for number in signals.take():
                    self._ask_to_stop(f"stopped by {signal.Signals(number).name}")
                if worker.channel in ready:
                    return
                self._look(worker)
                self._on_tick(self._stop)

    def _clear_traces(self) -> None:
        """Remove the last worker's board and stack: what the next one does is not to be read from them."""
        for path in (self._charge.board, self._charge.board.with_name(_CRASH)):
            with suppress(OSError):
                path.unlink()

    def _look(self, worker: Worker) -> None:
        now = time.monotonic()
        reap_orphans(worker.pid)
        self._press(worker, now)
        if self._deadline is not None and now >= self._deadline and self._stop is None:
            self._ask_to_stop(f"timeout.job: the run took longer than {self._charge.spec.timeout.job}")
        memory = self._charge.spec.resources.memory
        resident = worker.resident() if memory is not None else None
        if memory is not None and resident is not None and resident > memory.bytes and self._cause is None:
            self._cause = f"the worker had {show_bytes(resident)} of memory, and resources.memory is {memory}"
            worker.kill()
        if self._hangs is None:
            return
        picture = self._picture()
        if picture is None:
            return
        over, stuck = self._hangs.look(picture, now)
        for flight in over:
            worker.tell(Expire(flight.lane, flight.lo, flight.item))
        if stuck and self._stuck is None:
            self._stuck = stuck[0]
            self._expect_end(now)
            worker.tell(Replace(stuck[0].lane, "an item takes longer than timeout.item, and cannot be ended alone"))

    def _expect_end(self, now: float) -> None:
        """The worker was told to end: by then it must at least have heard of it, and by then be gone."""
        self._hears_by = now + _PATIENCE
        self._gone_by = now + self._charge.spec.timeout.grace.seconds + _MARGIN

    def _press(self, worker: Worker, now: float) -> None:
        """End a worker in which nothing moves any more, so that it does not do what it was told."""
        if now >= self._kill_at:
            worker.kill()
        elif now >= self._gone_by or (now >= self._hears_by and worker.unheard()):
            self._kill_at = now + _PATIENCE
            self._hears_by = self._gone_by = math.inf
            worker.abort(-1 if self._stuck is None else self._stuck.lane)

    def _ask_to_stop(self, reason: str) -> None:
        worker = self._worker
        if worker is None:
            return
        if self._stop is not None or self._loading:
            self._stop = self._stop or reason
            worker.kill()
            return
        self._stop = reason
        self._expect_end(time.monotonic())
        worker.tell(Stop(reason))

    def _learn(self, ended: Ended | Death) -> None:
        """Take in how a worker ended; say so when there is to be no other."""
        if self._stop is not None:
            raise Interrupted(f"{self._stop}, and the worker was ended at once", hint=self._charge.hint)
        rule, known = self._charge.spec.failures, self.known
        if self._stuck is not None and (isinstance(ended, Ended) or self._kill_at < math.inf):
            timeout = self._charge.spec.timeout.item
            stack = ended.stack if isinstance(ended, Ended) else self._crash_stack()
            self.known = after_hang(known, self._stuck, 0.0 if timeout is None else timeout.seconds, stack)
            return
        if isinstance(ended, Ended):
            self.known = _noted(known, ended.reason)
            return
        death = Death(ended.code, self._crash_stack(), self._cause)
        self.known = known = after_death(known, self._picture(), death)
        if known.deaths <= rule.max_crashes and not known.hopeless:
            return
        why = (
            f"it was the {known.deaths}th worker to die, and failures.max_crashes is {rule.max_crashes}"
            if known.deaths > rule.max_crashes
            else "worker after worker died without running an item"
        )
        if death.code < 0:
            raise WorkerDied(-death.code, f"the worker died of {death.words}; {why}", hint=self._charge.hint)
        raise TooManyFailed(f"the worker ended with {death.words}; {why}", hint=self._charge.hint)

    def _picture(self) -> Picture | None:
        try:
            return Board.open(self._charge.board).read()
        except FileNotFoundError, ValueError:
            return None

    def _crash_stack(self) -> str:
        try:
            return self._charge.board.with_name(_CRASH).read_text("utf-8", "backslashreplace").strip()
        except OSError:
            return ""


def _noted(known: Recovery, note: str) -> Recovery:
    return structs.replace(known, notes=(*known.notes, note))
