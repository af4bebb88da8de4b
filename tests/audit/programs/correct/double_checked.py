"""Loads the model when it is first needed, and looks again with the lock."""

import threading

LOCK = threading.Lock()
MADE = []
_model = None


def model():
    global _model
    if _model is None:
        with LOCK:
            if _model is None:
                MADE.append("model")
                _model = {"factor": 3}
    return _model


def f(n):
    return n * model()["factor"]
