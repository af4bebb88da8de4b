"""The worker's threads: each takes a chunk, does it alone, hands over the outcome, and takes the next.

Guarantees: a thread starts with an empty `contextvars.Context`; the first error that is nobody's item ends the pool
and is kept for the main thread; when the number of allowed threads shrinks, the surplus threads wait between chunks
and go on when it grows. Assumes: `make_lane` is called in the thread that will use the lane.
"""

import contextvars
import threading
import time
from collections.abc import Callable

from orchestrator.engine import board
from orchestrator.engine.anylane import AnyLane, ThreadRecord
from orchestrator.engine.dispenser import AnyDispenser, Chunk
from orchestrator.engine.outcome import Outcome
from orchestrator.measure.windows import Mark

_MOST_UNSETTLED = 64


class Pool[C = Chunk]:
    """The threads of one worker.

    Attributes:
        prefix: what the threads' names begin with; their number follows.
        on_allow: told how many threads may work from now on.
        errand: done once, by one of the threads, before its next chunk.
    """

    prefix = "ftorch-"

    def __init__(
        self,
        make_lane: Callable[[int], AnyLane[C]],
        dispenser: AnyDispenser[C],
        deliver: Callable[[Outcome], float | None],
        on_end: Callable[[], None],
        lines: Callable[[int], memoryview[int]],
    ) -> None:
        self.stop = threading.Event()
        self.error: BaseException | None = None
        self.records: list[ThreadRecord] = []
        self.on_allow: Callable[[int], None] = lambda _: None
        self.errand: Callable[[], object] | None = None
        self._make_lane = make_lane
        self._dispenser = dispenser
        self._deliver = deliver
        self._on_end = on_end
        self._lines = lines
        self._changed = threading.Condition()
        self._allowed = 0
        self._running = 0
        self._exhausted = False
        self._threads: list[threading.Thread] = []
        self._active: dict[int, AnyLane[C]] = {}

    @property
    def allowed(self) -> int:
        """How many threads may work."""
        return self._allowed

    @property
    def ending(self) -> bool:
        """Whether there is no new chunk for a thread any more."""
        return self._exhausted or self.stop.is_set()

    @property
    def ended(self) -> bool:
        """Whether every thread has ended."""
        with self._changed:
            return self._running == 0

    def ended_but(self, lane: int) -> bool:
        """Whether every thread but that one has ended (-1: never)."""
        with self._changed:
            return lane in self._active and len(self._active) == 1

    def parked(self, threads: int) -> bool:
        """Whether every thread but the first so many waits between chunks, or has ended."""
        idle = (board.PARKED, board.ENDED)
        return all(self._lines(index)[board.STATE] in idle for index in range(threads, len(self._threads)))

    def marks(self, threads: int) -> list[Mark] | None:
        """The last mark of each of the first so many threads; None if one has left none, or has ended."""
        with self._changed:
            lanes = [self._active.get(index) for index in range(threads)]
        marks = [lane.pace.mark for lane in lanes if lane is not None]
        found = [mark for mark in marks if mark is not None]
        return found if len(found) == threads else None

    def expire(self, lane: int, lo: int, item: int) -> None:
        """End an item in its thread, if it still runs. For the controlling thread."""
        with self._changed:
            found = self._active.get(lane)
        if found is not None:
            found.expire(lo, item)

    def stack_of(self, lane: int) -> str:
        """Where that lane was when its item was told to end."""
        with self._changed:
            found = self._active.get(lane)
        return "" if found is None else found.stack

    def allow(self, threads: int) -> None:
        """Let so many threads work; more are started when needed, surplus ones wait after their chunk.

        Raises:
            RuntimeError: the system gives no more threads; those that run go on.
        """
        self.on_allow(threads)
        with self._changed:
            self._allowed = threads
            starting = range(len(self._threads), threads) if not self._exhausted and not self.stop.is_set() else ()
            for index in starting:
                record = ThreadRecord(index)
                thread = threading.Thread(
                    target=self._work,
                    args=(record,),
                    name=f"{self.prefix}{index}",
                    daemon=True,
                    context=contextvars.Context(),
                )
                self.records.append(record)
                self._threads.append(thread)
                self._running += 1
            self._changed.notify_all()
        for index in starting:
            self._start(index)

    def _start(self, index: int) -> None:
        try:
            self._threads[index].start()
        except RuntimeError:
            with self._changed:
                missing = len(self._threads) - index
                del self._threads[index:], self.records[index:]
                self._running -= missing
                self._allowed = min(self._allowed, index)
            raise

    def halt(self) -> None:
        """Ask all threads to end after the chunk they are in."""
        self.stop.set()
        with self._changed:
            self._changed.notify_all()

    def join(self, seconds: float | None) -> bool:
        """Wait for the threads to end, for so long at most (None: for ever); says whether they did."""
        deadline = None if seconds is None else time.monotonic() + seconds
        for thread in self._threads:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return self.ended

    def _work(self, record: ThreadRecord) -> None:
        started, line = time.perf_counter(), self._lines(record.index)
        try:
            lane = self._make_lane(record.index)
            with self._changed:
                self._active[record.index] = lane
            record.watch.begin(lane.place)
            try:
                self._loop(record, lane, line)
            finally:
                record.pace, record.cpu_seconds = lane.pace, lane.cpu_seconds()
                record.watch.end(lane.place)
                lane.close()
        except BaseException as error:
            with self._changed:
                self.error = self.error or error
            self.halt()
        finally:
            record.wall_seconds = time.perf_counter() - started
            line[board.STATE] = board.ENDED
            self._leave(record.index)

    def _loop(self, record: ThreadRecord, lane: AnyLane[C], line: memoryview[int]) -> None:
        take, deliver, stop = self._dispenser.take, self._deliver, self.stop
        index, watch = record.index, record.watch
        while not stop.is_set():
            outcome = lane.settle()
            if outcome is not None:
                watch.output += deliver(outcome) or 0.0
                continue
            if index >= self._allowed and not lane.unsettled and not self._park(record, line):
                return
            if self.errand is not None:
                self._do_errand()
            chunk = take(*lane.pace.appetite(self._dispenser.unit)) if lane.unsettled < _MOST_UNSETTLED else None
            if chunk is not None:
                outcome = lane.run(chunk)
                if outcome is not None:
                    watch.output += deliver(outcome) or 0.0
                continue
            due = lane.next_due()
            if due is None:
                return
            line[board.STATE] = board.WAITING
            started = time.perf_counter()
            stop.wait(max(0.0, due - time.monotonic()))
            watch.retrying += time.perf_counter() - started

    def _do_errand(self) -> None:
        with self._changed:
            errand, self.errand = self.errand, None
        if errand is not None:
            errand()

    def _park(self, record: ThreadRecord, line: memoryview[int]) -> bool:
        """Wait until this thread may work again; says whether there is a reason to."""
        line[board.STATE] = board.PARKED
        index, started = record.index, time.perf_counter()
        with self._changed:
            self._changed.wait_for(lambda: index < self._allowed or self._exhausted or self.stop.is_set())
            record.watch.parked += time.perf_counter() - started
            return not self._exhausted and not self.stop.is_set()

    def _leave(self, index: int) -> None:
        with self._changed:
            self._running -= 1
            self._active.pop(index, None)
            self._exhausted = True
            self._changed.notify_all()
        self._on_end()
