"""How the kernel is to treat a thread of ours."""

import os
from contextlib import suppress


def let_others_finish() -> None:
    """Have the calling thread, when it wakes, wait until whoever runs has had its turn (Linux, SCHED_BATCH, sched(7)).

    For threads that move data for others that compute on the same CPUs: woken for a few microseconds again and again,
    each would interrupt one of those every time. It gets no less CPU time, but in fewer and longer turns; on an idle
    CPU it runs at once. Threads that it starts inherit this. Nothing happens elsewhere, or where it is not allowed.
    """
    batch = getattr(os, "SCHED_BATCH", None)
    if batch is not None:
        with suppress(OSError):
            os.sched_setscheduler(0, batch, os.sched_param(0))
