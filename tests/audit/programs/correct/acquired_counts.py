"""Counts in a shared dict between acquire and release."""

import threading

guard = threading.Lock()
COUNTS = {}


def f(n):
    key = n % 3
    guard.acquire()
    try:
        COUNTS[key] = COUNTS.get(key, 0) + 1
    finally:
        guard.release()
    return n
