"""What peers do with an item: picklable, in a module that their child processes import quickly."""

from collections.abc import Callable
from functools import partial

from benchmarks.jobs.tasks import same
from jobs.sums.task import sums


def task(work: int) -> Callable[[int], int]:
    """The item itself for 0, else the loop of the job `sums` with that many steps: the same code that ftorch runs."""
    return partial(sums, work=work) if work else same


def warm(number: int) -> int:
    """What each worker of a pool does once before the clock starts."""
    return number
