"""Splits the time of a node's threads by what it went to; pure.

The capacity is one CPU for each thread that was allowed to work, as far as the affinity mask has CPUs. What of it no
thread used is the idle time, and it is shared out among the states in which threads did not run. So a thread that waits
while another one uses its CPU (more threads than CPUs, a native pool that computes for the waiting thread) loses
nothing.
"""

from msgspec import Struct

from orchestrator.measure.account import Account, LaneAccount


class Budget(Struct, frozen=True):
    """Thread seconds by state, and the part of each that is lost capacity.

    Attributes:
        measured: run-queue delay and sleep are known; otherwise `others`, `crowded` and sleep are 0.
        capacity: CPU seconds that were there to be used.
        lane_time: seconds that threads were allowed to work, added up.
        threads: of these, how many at a time.
        run: CPU seconds of the threads.
        native: CPU seconds of threads that are not ours.
        throttled: stopped by the CPU quota.
        crowded: ready, while all CPUs were taken by this process itself.
        others: ready, while CPUs were taken by other processes.
        lock, io, reading: asleep on a lock, on something outside, on input.
        unknown: asleep, and never seen at it.
        halted: stopped while another thread collected garbage.
        output, tail: waiting for results to be taken; with nothing left to do.
        scale: lost capacity for each second not run.
    """

    measured: bool
    capacity: float
    lane_time: float
    threads: float
    run: float
    native: float
    throttled: float
    crowded: float
    others: float
    lock: float
    io: float
    reading: float
    unknown: float
    halted: float
    output: float
    tail: float
    scale: float

    def share(self, seconds: float) -> float:
        """The share of the capacity that so many seconds of not running cost."""
        return min(1.0, seconds * self.scale / self.capacity) if self.capacity else 0.0


def split(account: Account) -> Budget:
    """Share out the time of a node's threads."""
    lanes = account.lanes
    lane_time = sum(lane.window - lane.parked for lane in lanes)
    threads = lane_time / account.seconds if account.seconds else 0.0
    capacity = lane_time * min(1.0, account.cpus / threads) if threads else 0.0
    run, native = sum(_run(lane) for lane in lanes), _native(account)
    idle = max(0.0, capacity - run - native)
    measured = all(lane.use.run is not None and lane.use.delay is not None for lane in lanes)
    stopped = _stopped(account, threads)
    throttled, delay, asleep = _not_running(account, stopped) if measured else (min(stopped, idle), 0.0, 0.0)
    others = _others(account, delay, run + delay + native, idle)
    halted = min(asleep if measured else idle, (account.pauses or 0.0) * max(0.0, threads - 1))
    lock, io, reading, unknown = _asleep_on(account, asleep, halted)
    output = sum(lane.output + lane.commit for lane in lanes)
    tail = sum(lane.tail + lane.retrying for lane in lanes)
    lost = throttled + others + lock + io + reading + unknown + halted + output + tail
    return Budget(
        measured=measured,
        capacity=capacity,
        lane_time=lane_time,
        threads=threads,
        run=run,
        native=native,
        throttled=throttled,
        crowded=delay - others,
        others=others,
        lock=lock,
        io=io,
        reading=reading,
        unknown=unknown,
        halted=halted,
        output=output,
        tail=tail,
        scale=min(1.0, idle / lost) if lost else 0.0,
    )


def _native(account: Account) -> float:
    if account.process_cpu is None:
        return 0.0
    return max(0.0, account.process_cpu - account.main_cpu - sum(lane.cpu for lane in account.lanes))


def _stopped(account: Account, threads: float) -> float:
    """Thread seconds stopped by the quota: the kernel counts for each CPU, on which several threads may stand still."""
    return 0.0 if account.throttled is None else account.throttled.seconds * max(1.0, threads / account.cpus)


def _not_running(account: Account, stopped: float) -> tuple[float, float, float]:
    """Thread seconds stopped by the quota, ready to run, asleep."""
    delay = sum(lane.use.delay or 0.0 for lane in account.lanes)
    asleep = sum(_asleep(lane) for lane in account.lanes)
    throttled = min(stopped, delay + asleep)
    # Whether a stopped thread counts as ready or as asleep depends on the kernel's version.
    from_delay = min(delay, throttled)
    return throttled, delay - from_delay, asleep - (throttled - from_delay)


def _run(lane: LaneAccount) -> float:
    return lane.cpu if lane.use.run is None else lane.use.run


def _asleep(lane: LaneAccount) -> float:
    known = (lane.use.run or 0.0) + (lane.use.delay or 0.0) + lane.output + lane.parked + lane.retrying
    return max(0.0, lane.use.at - known)


def _others(account: Account, delay: float, wanted: float, idle: float) -> float:
    """How much of the time in the run queue other processes had the CPUs, and not this one's own surplus of threads.

    It is what they are known to have used, and what this process did not want for itself: whichever is more.
    """
    ready = sum(pool.delay for pool in account.native)
    surplus = max(0.0, wanted + ready - account.cpus * account.seconds)
    used = 0.0 if account.machine is None else account.machine.others
    return max(delay - surplus, min(delay, idle, used), 0.0)


def _asleep_on(account: Account, asleep: float, halted: float) -> tuple[float, float, float, float]:
    """Share out sleep by what threads were seen sleeping on; a thread stopped for a collection looks like a lock."""
    looks = account.looks
    if not looks.asleep:
        return 0.0, 0.0, 0.0, max(0.0, asleep - halted)
    each = asleep / looks.asleep
    return max(0.0, looks.lock * each - halted), looks.waiting * each, looks.reading * each, 0.0
