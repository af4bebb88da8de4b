# expect: FT204
# probe: yes
"""Seeds the global stream for each item."""

import random


def f(n):
    random.seed(n)
    return random.random()
