"""Tasks that do nothing, so that what is left is the runner's own cost; and one whose items all cost the same."""


def same(item: int) -> int:
    """The item itself."""
    return item


def nothing(item: object) -> None:
    """Nothing."""


_APART = 1000


def alike(number: int, work: int) -> int:
    """As the job `sums`, but from at most 999 on: an item in the millions costs what the first one does.

    Products beyond 2³⁰ take CPython a third longer, and whoever is given more items would get more of those.
    """
    total, start = 0, number % _APART
    for i in range(start, start + work):
        total += i * i % 123
    return total
