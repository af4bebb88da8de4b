"""A generator made from the item."""

import random


def f(n):
    stream = random.Random(n)
    stream.seed(n + 1)
    return stream.random() + stream.randint(1, 6)
