"""Takes numbers from one generator, into which one thread at a time is let."""

from orchestrator import serialize_iterator


def numbers():
    n = 0
    while True:
        yield n
        n += 1


NUMBERS = serialize_iterator(numbers())


def f(n):
    next(NUMBERS)
    return n
