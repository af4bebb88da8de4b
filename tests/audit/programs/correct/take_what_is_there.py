"""Takes what is left, in one step."""

LEFT = list(range(12))


def f(n):
    try:
        LEFT.pop()
    except IndexError:
        return n
    return n
