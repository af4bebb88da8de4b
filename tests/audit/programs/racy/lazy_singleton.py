# expect: FT104
# probe: yes
"""Loads the model when it is first needed."""

MADE = []
_model = None


def load():
    MADE.append("model")
    return {"factor": 3}


def model():
    global _model
    if _model is None:
        _model = load()
    return _model


def f(n):
    return n * model()["factor"]
