# expect: FT109
# probe: yes
"""Looks through a dict that every item adds to."""

SEEN = {}


def f(n):
    SEEN[n] = n
    for key in SEEN:
        if key < 0:
            return key
    return n
