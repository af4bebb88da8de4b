"""Two classes with a method of one name: what one is given says nothing about the other."""

LABELS = ["a", "b"]


class Widget:
    def render(self, labels):
        return ", ".join(labels)


class Node:
    def render(self, context):
        context["depth"] = context["depth"] + 1
        return str(context["depth"])


def made(n):
    return [Widget(), Node()][n % 2]


def f(n):
    part = made(n)
    return part.render(LABELS) if n % 2 == 0 else part.render({"depth": n})
