"""A shared handler whose entries are the calling thread's own."""

import threading


class Connection:
    depth = 0


class Handler:
    def __init__(self):
        self.local = threading.local()

    def __getitem__(self, alias):
        try:
            return getattr(self.local, alias)
        except AttributeError:
            connection = Connection()
            setattr(self.local, alias, connection)
            return connection


handlers = Handler()


def f(n):
    handlers["main"].depth += n
    handlers["main"].depth -= n
    return handlers["main"].depth
