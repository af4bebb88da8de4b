# expect: FT110
# probe: yes
"""Appends to a shared list and takes the last one for its own."""

LINES = []


def f(n):
    LINES.append(n)
    return LINES[-1]
