"""Each item writes the entry that is its own."""

RESULTS = [0] * 64
SQUARES = bytearray(64)


def f(n):
    RESULTS[n] = n * n
    SQUARES[n] = n
    return n
