"""A default of the class, None, that each object replaces with a thing of its own outside its `__init__`."""


class Inner:
    count = 0


class Parser:
    inner = None

    @classmethod
    def made(cls):
        parser = cls()
        setattr(parser, "inner", Inner())
        return parser

    def step(self, n):
        self.inner.count = self.inner.count + n
        return self.inner.count


def f(n):
    return Parser.made().step(n)
