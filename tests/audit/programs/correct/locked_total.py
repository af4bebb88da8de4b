"""Adds every item up under a lock."""

import threading

LOCK = threading.Lock()
total = 0


def f(n):
    global total
    with LOCK:
        total += n
    return n
