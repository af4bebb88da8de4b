# expect: FT101
# probe: yes
"""Adds every item up in a global."""

total = 0


def f(n):
    global total
    total += n
    return n
