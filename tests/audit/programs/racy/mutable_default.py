# expect: FT106
# probe: yes
"""A list that is meant to be new for each call."""


def f(n, parts=[]):
    parts.clear()
    parts.append(n)
    parts.append(n + 1)
    return sum(parts)
