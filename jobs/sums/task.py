"""A plain CPU loop in pure Python: the yardstick for how well a node's threads scale.

Guarantees: an item touches nothing but local integers, so what is lost when threads are added is lost to the
machine or to the runner, not to the task.
"""


def sums(number: int, work: int = 10_000) -> int:
    """Give Σ (i² mod 123) for the `work` integers i from `number` on.

    Args:
        number: an item of `input: range`; the result depends on it, so that a lost or doubled item shows.
        work: how many integers; 10,000 take about half a millisecond.
    """
    total = 0
    for i in range(number, number + work):
        total += i * i % 123
    return total
