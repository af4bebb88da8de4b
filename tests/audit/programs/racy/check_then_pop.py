# expect: FT103
# probe: yes
"""Takes what is left, if something is left."""

LEFT = list(range(12))


def f(n):
    if LEFT:
        LEFT.pop()
    return n
