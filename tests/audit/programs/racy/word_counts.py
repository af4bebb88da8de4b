# expect: FT102
# probe: yes
"""Counts in a dict that all threads share."""

COUNTS = {}


def f(n):
    key = n % 3
    COUNTS[key] = COUNTS.get(key, 0) + 1
    return n
