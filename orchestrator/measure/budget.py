"""Splits the time of a node's threads by what it went to; pure.

The capacity is one CPU for each thread that was allowed to work, as far as the affinity mask has CPUs. What of it no
thread used is the idle time, and it is shared out among the states in which threads did not run. So a thread that waits
while another one uses its CPU (more threads than CPUs, a native pool that computes for the waiting thread) loses
nothing.
"""

from dataclasses import dataclass

from orchestrator.measure.account import Account, LaneAccount


@dataclass(frozen=True, slots=True)
class Budget:
    """Thread seconds by state, and the part of each that is lost capacity.

    Attributes:
        measured: run-queue delay and sleep are known; otherwise only `run`, `native`, `gc`, `output` and `tail` are.
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
        gc: collecting, or stopped while another thread collected.
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
    gc: float
    output: float
    tail: float
    scale: float

    def share(self, seconds: float) -> float:
        """The share of the capacity that so many seconds of not running cost."""
        return min(1.0, seconds * self.scale / self.capacity) if self.capacity else 0.0


def split(account: Account) -> Budget:
    """Share out the time of a node's threads."""
    lanes = account.lanes
    measured = all(lane.use.run is not None and lane.use.delay is not None for lane in lanes)
    lane_time = sum(lane.window - lane.parked for lane in lanes)
    threads = lane_time / account.seconds if account.seconds else 0.0
    capacity = lane_time * min(1.0, account.cpus / threads) if threads else 0.0
    run = sum(_run(lane) for lane in lanes)
    native = 0.0
    if account.process_cpu is not None:
        native = max(0.0, account.process_cpu - account.main_cpu - sum(lane.cpu for lane in lanes))
    delay = sum(lane.use.delay or 0.0 for lane in lanes) if measured else 0.0
    asleep = sum(_asleep(lane) for lane in lanes) if measured else 0.0
    stopped = 0.0 if account.throttled is None else account.throttled.seconds * max(1.0, threads / account.cpus)
    # Kernels before 6.18 keep a throttled thread in the run queue, newer ones let it sleep.
    throttled = min(stopped, delay + asleep)
    delay, asleep = delay - min(delay, throttled), asleep - max(0.0, throttled - delay)
    idle = max(0.0, capacity - run - native)
    others = _others(account, delay, run + delay + native, idle)
    pauses = account.pauses or 0.0
    halted = min(asleep, pauses * max(0.0, threads - 1))
    lock, io, reading, unknown = _asleep_on(account, asleep, halted)
    output = sum(lane.output + lane.commit for lane in lanes)
    tail = sum(lane.tail + lane.retrying for lane in lanes)
    not_run = throttled + others + lock + io + reading + unknown + halted + output + tail
    scale = min(1.0, idle / not_run) if measured and not_run else float(not_run > 0)
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
        gc=halted + (pauses / scale if scale else 0.0),
        output=output,
        tail=tail,
        scale=scale,
    )


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
        return 0.0, 0.0, 0.0, asleep - halted
    each = asleep / looks.asleep
    return max(0.0, looks.lock * each - halted), looks.waiting * each, looks.reading * each, 0.0
