# expect: FT102
# probe: yes
"""An object made at import keeps a sum of what it is given."""


class Totals:
    def __init__(self):
        self.n = 0

    def add(self, n):
        self.n += n


TOTALS = Totals()


def f(n):
    TOTALS.add(n)
    return n
