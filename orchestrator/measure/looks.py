"""What threads are seen doing, by looking at them now and then: running, or in which system call.

/proc/self/task/TID/syscall says "running", or the number of the system call that the thread sleeps in (man 5
proc_pid_syscall). A futex is how a thread waits for a lock; anything else is a wait for something outside.
"""

import os

from msgspec import Struct

_X86_64 = {
    0: "read", 1: "write", 7: "poll", 17: "pread64", 18: "pwrite64", 19: "readv", 20: "writev", 23: "select",
    24: "sched_yield", 35: "nanosleep", 42: "connect", 43: "accept", 44: "sendto", 45: "recvfrom", 46: "sendmsg",
    47: "recvmsg", 61: "wait4", 74: "fsync", 75: "fdatasync", 87: "unlink", 202: "futex", 230: "clock_nanosleep",
    232: "epoll_wait", 247: "waitid", 257: "openat", 270: "pselect6", 271: "ppoll", 281: "epoll_pwait",
    426: "io_uring_enter", 449: "futex_waitv",
}  # fmt: skip
_AARCH64 = {
    22: "epoll_pwait", 35: "unlinkat", 56: "openat", 63: "read", 64: "write", 65: "readv", 66: "writev", 67: "pread64",
    68: "pwrite64", 72: "pselect6", 73: "ppoll", 82: "fsync", 83: "fdatasync", 95: "waitid", 98: "futex",
    101: "nanosleep", 115: "clock_nanosleep", 124: "sched_yield", 202: "accept", 203: "connect", 206: "sendto",
    207: "recvfrom", 211: "sendmsg", 212: "recvmsg", 260: "wait4", 426: "io_uring_enter", 449: "futex_waitv",
}  # fmt: skip
_NAMES = {"x86_64": _X86_64, "amd64": _X86_64, "aarch64": _AARCH64, "arm64": _AARCH64}
_LOCKS = ("futex", "futex_waitv", "sched_yield")
RUNNING = "running"


class Looks(Struct, frozen=True):
    """How often a thread at work was seen doing what.

    Attributes:
        running: on a CPU, or ready for one.
        lock: asleep on a lock.
        waiting: asleep in another system call, within an item.
        reading: asleep in another system call, while its input was read.
        calls: by system call, how often a thread slept in it (locks left out).
    """

    running: int = 0
    lock: int = 0
    waiting: int = 0
    reading: int = 0
    calls: dict[str, int] = {}

    @property
    def asleep(self) -> int:
        """How often a thread was seen asleep."""
        return self.lock + self.waiting + self.reading

    @property
    def all(self) -> int:
        """How often a thread was looked at."""
        return self.running + self.asleep


def parse_call(text: str, machine: str = os.uname().machine) -> str | None:
    """Name what a thread does: "running", a system call, "page fault"; None where the file says nothing."""
    first = text.split(" ", 1)[0].strip()
    if first == RUNNING or not first:
        return first or None
    if first == "-1":
        return "page fault"
    if not first.isdecimal():
        return None
    return _NAMES.get(machine, {}).get(int(first), f"system call {first}")


def is_lock(call: str) -> bool:
    """Whether a thread in this system call waits for another thread."""
    return call in _LOCKS
