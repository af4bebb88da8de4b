"""Have the C library keep the memory of buffers that are freed, for a process that frees many and takes as many anew.

glibc's malloc gives memory back to the kernel when 128 KiB at the end of an arena are free, and maps a larger buffer by
itself. Where buffers of about that size come and go, as bodies of requests do, nearly each is then new pages, which the
kernel clears and maps one by one: with 10,000 objects of 100 kB from loopback that was a tenth of all CPU time. glibc
raises both limits once a mapped buffer is freed (mallopt(3)); a program may be lucky and free one early. Said
outright, it does not depend on luck.
"""

import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
_MOST_KEPT = 64 << 20
_MOST_MAPPED = 32 << 20
"""What glibc goes up to by itself."""


def keep_freed_memory() -> bool:
    """Have freed memory kept for the next buffers: up to 64 MiB at the end of each arena.

    Returns:
        Whether that was done; only glibc (2.0 and later) has this setting.
    """
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is None:
        return False
    return bool(set_option(_MMAP_THRESHOLD, _MOST_MAPPED)) and bool(set_option(_TRIM_THRESHOLD, _MOST_KEPT))
