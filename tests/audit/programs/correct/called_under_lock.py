"""A helper without a lock, called only by those who hold it."""

import threading

LOCK = threading.RLock()
COUNTS = {}


def bump(key):
    if key not in COUNTS:
        COUNTS[key] = 0
    COUNTS[key] += 1


def f(n):
    with LOCK:
        bump(n % 2)
    return n
