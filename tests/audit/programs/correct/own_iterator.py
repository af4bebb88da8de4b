"""Each call has an iterator of its own; the shared counter is safe."""

import itertools

NUMBERS = itertools.count()


def numbers(n):
    while True:
        yield n
        n += 1


def f(n):
    next(NUMBERS)
    own = numbers(n)
    next(own)
    return next(own)
