"""A counter and a buffer of each thread."""

import threading

LOCAL = threading.local()


def f(n):
    if not hasattr(LOCAL, "seen"):
        LOCAL.seen = 0
        LOCAL.parts = []
    LOCAL.seen += 1
    LOCAL.parts.clear()
    LOCAL.parts.append(n)
    return LOCAL.parts[-1]
