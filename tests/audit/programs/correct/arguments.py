"""Passes the item as an argument, in variables that have a global's name."""

current = None
total = 0


def double(current):
    return current * 2


def f(n):
    current = n
    total = 0
    total += double(current)
    return total
