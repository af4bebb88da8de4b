# expect: FT101
# probe: no
"""A decorator counts the calls in a variable of its own."""


def counted(function):
    calls = 0

    def wrapper(n):
        nonlocal calls
        calls = calls + 1
        return function(n)

    return wrapper


@counted
def work(n):
    return n * n


def f(n):
    return work(n)
