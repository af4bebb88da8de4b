"""Whether a process is still the one that was meant: numbers are given again, start times are not."""

import os
from contextlib import suppress
from pathlib import Path

GONE, ALIVE = 0, 1


def started(pid: int) -> int:
    """When a process started, in ticks since the boot (proc_pid_stat(5)).

    GONE if it is dead or a zombie, ALIVE where the system tells no more than that.
    """
    with suppress(FileNotFoundError, ProcessLookupError):
        stat = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return GONE if stat[0] in {b"Z", b"X"} else int(stat[19])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return GONE
    except PermissionError:
        pass
    return ALIVE
