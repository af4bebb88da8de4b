# expect: FT102
# probe: yes
"""A helper changes the shared dict that it is given; the read and the store are lines apart."""

from collections import defaultdict

COUNTS = defaultdict(int)


def bump(counts, key):
    seen = counts[key]
    more = seen + 1
    counts[key] = more


def f(n):
    bump(COUNTS, n % 2)
    return n
