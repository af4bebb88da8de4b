# expect: FT105
# probe: yes
"""A parser keeps its depth on the class."""


class Parser:
    depth = 0

    def parse(self, n):
        Parser.depth += n
        return n


def f(n):
    return Parser().parse(n)
