# expect: FT104
# probe: yes
"""Looks without the lock, and does not look again with it."""

import threading

LOCK = threading.Lock()
MADE = []
_model = None


def f(n):
    global _model
    if _model is None:
        with LOCK:
            MADE.append("model")
            _model = {"factor": 3}
    return n * _model["factor"]
