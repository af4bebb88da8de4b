"""Looks through a copy of the dict that every item adds to."""

SEEN = {}


def f(n):
    SEEN[n] = n
    for key in list(SEEN):
        if key < 0:
            return key
    return n
