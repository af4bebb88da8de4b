"""`orchestrator.run` and `orchestrator.Executor` next to `ThreadPoolExecutor`: ns an item, each in its own process.

`submit` asks for the results in the order of submission when all items are submitted; `one by one` submits an item when
it has the result of the one before. `ThreadPoolExecutor` takes a chunk size for `map` and ignores it.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from benchmarks.apipeers import ALONE, CHUNK, OF_POOLS, POOLS, WORKERS
from benchmarks.commands import peer
from benchmarks.measure import Benchmark, Contestant, Options, Results, column, interleave, ratios, run_benchmark


@dataclass(frozen=True, slots=True)
class Level:
    """So much work an item.

    Attributes:
        name: about how long an item takes.
        steps: of the loop in it; 0 does nothing.
        items: for what costs little an item.
        futures: for what makes a future for each.
    """

    name: str
    steps: int
    items: int
    futures: int

    def smaller(self) -> Level:
        """The same for a smoke run."""
        return replace(self, items=min(self.items, 2000), futures=min(self.futures, 500))

    def items_of(self, way: str) -> int:
        """How many items a way is given."""
        return self.items if way in ALONE or way == f"Executor: map, chunks of {CHUNK}" else self.futures


LEVELS = (
    Level("nothing", 0, 2_000_000, 50_000),
    Level("10 µs", 200, 100_000, 30_000),
    Level("100 µs", 2000, 10_000, 6_000),
)
WAYS = (*ALONE, *(f"{pool}: {way}" for way in OF_POOLS for pool in POOLS))


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    run_benchmark(Benchmark("api", 5, measure), arguments)


def measure(options: Options, results: Results) -> None:
    """Every level, one after the other; within a level the contestants take turns."""
    results.notes.append(f"pools and runs have {WORKERS} threads unless told; all on the same free-threaded Python")
    for level in [level.smaller() for level in LEVELS[1:2]] if options.quick else LEVELS:
        results.settings[level.name] = {"steps": level.steps, "items": level.items, "futures": level.futures}
        contestants = [Contestant(way, partial(_once, level, way)) for way in WAYS]
        samples = interleave(contestants, options.rounds)
        results.samples |= {f"{level.name}: {way}": found for way, found in samples.items()}
        _tell(level, results)


def _once(level: Level, way: str) -> dict[str, float]:
    return peer("apipeers", way, level.steps, level.items_of(way))


def _tell(level: Level, results: Results) -> None:
    def each(way: str) -> list[float]:
        samples, key = results.samples, f"{level.name}: {way}"
        return [1e9 * one for one in ratios(column(samples, key, "seconds"), column(samples, key, "items"))]

    for way in WAYS:
        results.add(f"{level.name}: {way}", "ns/item", each(way))
    above = [own - bare for own, bare in zip(each("run, 1 thread"), each("loop"), strict=True)]
    target = None if level.steps else "<= 300"
    results.add(f"{level.name}: run, 1 thread, above the loop", "ns/item", above, target)


if __name__ == "__main__":
    main(sys.argv[1:])
