# expect: FT110
# probe: yes
"""Passes the item to a helper through a global."""

current = None


def double():
    return current * 2


def f(n):
    global current
    current = n
    return double()
