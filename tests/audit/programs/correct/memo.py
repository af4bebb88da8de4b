"""Lets functools remember, and counts in a dict of its own."""

from collections import Counter
from functools import cache


@cache
def square(n):
    return n * n


def f(n):
    counts = Counter()
    for digit in str(square(n)):
        counts[digit] += 1
    if "1" in counts:
        counts.pop("1")
    return dict(counts)
