"""What peers do with an item: picklable, in a module that their child processes import quickly."""

from collections.abc import Callable
from functools import partial

from benchmarks.jobs.tasks import alike, same


def task(work: int) -> Callable[[int], int]:
    """The item itself for 0, else a loop over integers with that many steps: the same code that ftorch runs."""
    return partial(alike, work=work) if work else same


def warm(number: int) -> int:
    """What each worker of a pool does once before the clock starts."""
    return number
