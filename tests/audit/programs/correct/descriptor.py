"""A class attribute that is a descriptor, under two names: each object has its own."""


class PerObject:
    def __set_name__(self, owner, name):
        self.name = f"_{name}"

    def __get__(self, obj, cls):
        return obj.__dict__[self.name]

    def __set__(self, obj, value):
        obj.__dict__[self.name] = value


class Graph:
    nodes = PerObject()
    points = nodes

    def __init__(self):
        self.nodes = {}

    def add(self, n):
        if n not in self.points:
            self.points[n] = []
        self.points[n].append(n)
        del self.points[n]


def f(n):
    graph = Graph()
    graph.add(n)
    return len(graph.nodes)
