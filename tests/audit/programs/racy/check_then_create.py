# expect: FT103
# probe: yes
"""Makes the list of a group when the group is new."""

GROUPS = {}


def f(n):
    key = n // 4
    if key not in GROUPS:
        GROUPS[key] = []
    GROUPS[key].append(n)
    return n
