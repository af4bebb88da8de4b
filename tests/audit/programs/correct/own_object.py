"""A parser that keeps its state on itself, new for each item."""


class Parser:
    step = 2

    def __init__(self):
        self.depth = 0
        self.tokens = []

    def parse(self, n):
        self.depth += n * self.step
        self.tokens.append(n)
        return self.depth + len(self.tokens)


def f(n):
    return Parser().parse(n)
