# expect: FT108
# probe: yes
"""Takes numbers from one generator."""


def numbers():
    n = 0
    while True:
        yield n
        n += 1


NUMBERS = numbers()


def f(n):
    next(NUMBERS)
    return n
