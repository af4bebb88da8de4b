"""From what was measured round by round to a row's figures; pure."""

import statistics
from collections.abc import Mapping, Sequence

from msgspec import Struct

TOO_SHORT = 0.05
"""Seconds: a pass over all items that takes less says nothing about a rate."""
_LEAST_FOR_P99 = 100
_NO_DIFFERENCE = 0.05
_TOO_NOISY = 1.25
_HOUR = 3600


class Sample(Struct, frozen=True):
    """One contestant's turn in one round.

    Attributes:
        startup: seconds from the start of its first process to the first item's result.
        seconds: of all items, with everything warm.
        cpu_seconds: of all its processes meanwhile.
        peak: the most bytes its processes had in memory together.
        memory: what these are: "PSS" or "RSS".
        nbytes: bytes pickled on the way to workers and back.
        latencies: seconds of single items, each alone.
        note: what a user should know of this turn.
        worker: the most bytes that one of its worker processes had, the mean of them; 0 where it has none.
    """

    startup: float
    seconds: float
    cpu_seconds: float
    peak: int
    memory: str
    nbytes: int
    latencies: list[float] = []
    note: str = ""
    worker: int = 0


class Spread(Struct, frozen=True):
    """The median of the rounds, the least and the most."""

    median: float
    least: float
    most: float


class Figures(Struct, frozen=True):
    """A row's figures; medians of the rounds. None: what was measured does not support it.

    Attributes:
        rounds: how many.
        items_per_second, ratio: all items, warm; the ratio is to threads, within each round.
        p50, p99: seconds of an item alone; p99 from a hundred items on.
        startup: seconds to the first result.
        peak, memory: bytes, and what they are.
        serialised: bytes.
        cpu_seconds: for all items.
        cost_per_million: of items, where a CPU-hour has a price: for the CPUs held, busy or not.
        worker: bytes of one worker process, which another one would add; 0 where there are none.
    """

    rounds: int
    items_per_second: Spread | None
    ratio: Spread | None
    p50: float | None
    p99: float | None
    startup: float
    peak: int
    memory: str
    serialised: int
    cpu_seconds: float | None
    cost_per_million: float | None
    worker: int = 0


class Terms(Struct, frozen=True):
    """What figures are taken from: how many items, how many CPUs they had, and the price of a CPU-hour."""

    items: int
    cpus: float
    price: float | None = None


def figures_of(
    samples: Sequence[Sample], threads: Mapping[int, Sample], rounds: Sequence[int], terms: Terms
) -> Figures:
    """A row's figures.

    Args:
        samples: one a round.
        threads: the samples of threads, by round; those of rounds in which both ran are compared.
        rounds: which round each sample is of.
        terms: the rest.
    """
    seconds = statistics.median(sample.seconds for sample in samples)
    long_enough = seconds >= TOO_SHORT
    ratios = [
        threads[number].seconds / sample.seconds
        for number, sample in zip(rounds, samples, strict=True)
        if number in threads and min(threads[number].seconds, sample.seconds) >= TOO_SHORT
    ]
    p50, p99 = latency([sample.latencies for sample in samples])
    price = terms.price
    return Figures(
        rounds=len(samples),
        items_per_second=spread([terms.items / sample.seconds for sample in samples]) if long_enough else None,
        ratio=spread(ratios) if ratios else None,
        p50=p50,
        p99=p99,
        startup=statistics.median(sample.startup for sample in samples),
        peak=int(statistics.median(sample.peak for sample in samples)),
        memory="RSS" if any(sample.memory == "RSS" for sample in samples) else "PSS",
        serialised=int(statistics.median(sample.nbytes for sample in samples)),
        cpu_seconds=statistics.median(sample.cpu_seconds for sample in samples) if long_enough else None,
        cost_per_million=(
            seconds * terms.cpus / _HOUR * price / terms.items * 1e6 if long_enough and price is not None else None
        ),
        worker=int(statistics.median(sample.worker for sample in samples)),
    )


def latency(rounds: Sequence[Sequence[float]]) -> tuple[float | None, float | None]:
    """The median of the rounds' medians, and the 99th percentile of all, if there are a hundred."""
    told = [latencies for latencies in rounds if latencies]
    if not told:
        return None, None
    together = sorted(second for latencies in told for second in latencies)
    p99 = together[(99 * len(together) - 1) // 100] if len(together) >= _LEAST_FOR_P99 else None
    return statistics.median(map(statistics.median, told)), p99


def spread(values: Sequence[float]) -> Spread:
    """Of at least one value."""
    return Spread(statistics.median(values), min(values), max(values))


def verdict(ratio: Spread) -> str:
    """What a ratio to threads means: "slower", "faster", "as fast"; "unclear" where rounds contradict each other."""
    if ratio.least < 1 < ratio.most and ratio.most > _TOO_NOISY * ratio.least:
        return "unclear"
    if ratio.least <= 1 <= ratio.most or abs(ratio.median - 1) <= _NO_DIFFERENCE:
        return "as fast"
    return "slower" if ratio.median < 1 else "faster"
