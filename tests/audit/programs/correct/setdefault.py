"""Makes the list of a group in one step."""

GROUPS = {}
SEEN = set()


def f(n):
    GROUPS.setdefault(n // 4, []).append(n)
    SEEN.add(n)
    return n
