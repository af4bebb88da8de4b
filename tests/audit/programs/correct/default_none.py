"""A list that is new for each call."""


def f(n, parts=None):
    parts = [] if parts is None else parts
    parts.append(n)
    parts.append(n + 1)
    return sum(parts)
