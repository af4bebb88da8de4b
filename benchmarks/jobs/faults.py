"""The items of `benchmarks.faults`, one of them bad."""

from benchmarks.faultyitem import work


def item(number: int, fault: str, bad: int) -> int:
    """Do an item."""
    return work(fault, bad, number)
