"""Watches where the time of a pool's threads goes, from the worker's main thread, and adds it up for the diagnosis.

Guarantees: the threads are looked at only while the main thread waits for the next commit; what they note themselves
costs them nothing an item. Assumes: one thread calls it, the worker's main thread.
"""

import os
import time

from orchestrator.engine.anylane import ThreadRecord
from orchestrator.engine.board import ITEM, Board
from orchestrator.engine.lanewatch import LaneWatch
from orchestrator.engine.looking import Looker
from orchestrator.engine.pool import Pool
from orchestrator.host.cpus import read_affinity
from orchestrator.measure.account import Account, LaneAccount
from orchestrator.measure.machine import machine_between, read_cpu_times
from orchestrator.measure.native import NativeWatch, loaded_libraries
from orchestrator.measure.usage import Usage

_NATIVE_EVERY = 1.0


class Probe:
    """Watches pools, one after the other.

    Attributes:
        on_threads: the lanes are threads of this process.
        last: chunk and item at which a thread worked when another had nothing left to do, seen last.
    """

    def __init__(self, board: Board, on_threads: bool) -> None:
        self.on_threads = on_threads
        self.last: tuple[int, int, int] | None = None
        self._board = board
        self._cpus = sorted(read_affinity())
        self._looker = Looker(stacks=on_threads)
        self._native = NativeWatch()
        self._next_native = 0.0
        self._pool: Pool | None = None
        self._lanes: list[LaneAccount] = []
        self._seconds = self._process_cpu = self._main_cpu = 0.0
        self._items = 0
        self._began = time.perf_counter()
        self._usage, self._thread_cpu = Usage.now(), time.thread_time()
        self._times = read_cpu_times(self._cpus)

    def attach(self, pool: Pool) -> None:
        """Begin with a pool."""
        self._pool = pool
        self._began, self._usage, self._thread_cpu = time.perf_counter(), Usage.now(), time.thread_time()
        if self.on_threads:
            self._native.look(())

    def pause(self) -> float:
        """Seconds until the threads should be looked at again."""
        return self._looker.interval

    def detach(self) -> None:
        """End with a pool, whose last outcomes are committed."""
        pool, now = self._pool, time.perf_counter()
        if pool is None:
            return
        self._pool = None
        ends = [record.watch.ended or now for record in pool.records]
        last = max(ends, default=now)
        for record, ended in zip(pool.records, ends, strict=True):
            self._lanes.append(_account(record, tail=last - ended, commit=now - last))
        self._seconds += now - self._began
        self._items += sum(record.pace.items for record in pool.records)
        usage = Usage.now()
        self._process_cpu += usage.cpu_seconds - self._usage.cpu_seconds
        self._main_cpu += time.thread_time() - self._thread_cpu

    def account(self) -> Account:
        """What was found out of all pools; the node's own report knows the rest."""
        process_cpu = self._process_cpu if self.on_threads else None
        ours = sum(lane.cpu for lane in self._lanes) + self._main_cpu if process_cpu is None else process_cpu
        return Account(
            seconds=self._seconds,
            cpus=len(self._cpus),
            lanes=self._lanes,
            items=self._items,
            process_cpu=process_cpu,
            main_cpu=self._main_cpu,
            machine=machine_between(self._times, read_cpu_times(self._cpus), ours),
            looks=self._looker.looks(),
            locks=self._looker.hot.seen("lock"),
            lines=self._looker.hot.seen("running"),
            native=self._native.threads(),
            libraries=loaded_libraries() if self.on_threads else [],
        )

    def step(self) -> None:
        """Look at the threads."""
        pool, line = self._pool, self._board.line
        if pool is None:
            return
        watches = [(record.index, record.watch) for record in pool.records if record.watch.ended is None]
        if watches and len(watches) < len(pool.records):
            # The earliest chunk is the one that takes long.
            lo, hi, item = min(line(index)[: ITEM + 1].tolist() for index, _ in watches)
            self.last = (lo, hi, item)
        self._looker.look((watch.place, line(index)) for index, watch in watches if watch.place is not None)
        now = time.perf_counter()
        if self.on_threads and now >= self._next_native:
            self._native.look([_tid(watch) for _, watch in watches])
            self._next_native = now + max(_NATIVE_EVERY, 200 * (time.perf_counter() - now))


def _tid(watch: LaneWatch) -> int:
    return int(watch.place.rpartition("/")[2]) if watch.place is not None else os.getpid()


def _account(record: ThreadRecord, *, tail: float, commit: float) -> LaneAccount:
    watch = record.watch
    return LaneAccount(
        index=record.index,
        window=(watch.ended or time.perf_counter()) - watch.created + tail + commit,
        use=watch.use(),
        cpu=record.cpu_seconds,
        output=watch.output,
        parked=watch.parked,
        retrying=watch.retrying,
        tail=tail,
        commit=commit,
    )
