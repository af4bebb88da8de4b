# expect: FT101
# probe: yes
"""Locks, but each call a lock of its own."""

import threading

total = 0


def f(n):
    global total
    with threading.Lock():
        total = total + n
    return n
