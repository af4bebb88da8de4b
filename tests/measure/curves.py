"""Windows made by a formula, so that a test knows what they must say."""

import math
import random
from collections.abc import Callable, Sequence

from orchestrator.measure.windows import Window


def usl(threads: float, rate: float, contention: float, coherency: float) -> float:
    """The rate of so many threads by the Universal Scalability Law."""
    return rate * threads / (1 + contention * (threads - 1) + coherency * threads * (threads - 1))


def window(threads: int, repeat: int, rate: float, **changes: float) -> Window:
    """A window of a second with so many items of 1 kB, each thread busy all the time."""
    values = {"seconds": 1.0, "cpu_seconds": float(threads), "bytes_per_second": 1000 * rate} | changes
    items = max(1, round(rate * values["seconds"]))
    return Window(
        threads=threads,
        repeat=repeat,
        seconds=values["seconds"],
        chunks=10 * threads,
        items=items,
        nbytes=round(values["bytes_per_second"] * values["seconds"]),
        cpu_seconds=values["cpu_seconds"],
        items_per_second=rate,
        bytes_per_second=values["bytes_per_second"],
        throttled_seconds=values.get("throttled_seconds", 0.0),
    )


def sweep(
    rate: Callable[[int], float], counts: Sequence[int], repeats: int = 6, noise: float = 0.0, seed: int = 0
) -> list[Window]:
    """Windows of each count in each repeat, with a relative error of that size."""
    chance = random.Random(seed)
    return [
        window(threads, repeat, rate(threads) * math.exp(chance.gauss(0, noise)))
        for repeat in range(repeats)
        for threads in counts
    ]
