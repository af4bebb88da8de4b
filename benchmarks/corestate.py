"""What other bytecode leaves in a CPU: a loop of integers before and after it, in one thread of one process.

No thread, lock or item of ftorch takes part. The other bytecode runs for a millisecond and is over; memory, code and
thread are the same before and after. What slows down is the one CPU, until something else runs there; on the other CPU
the same thread is as quick as before. Ratios are taken within a process. It needs Linux, where threads can be pinned.
"""

import os
import sys
from collections.abc import Sequence
from functools import partial

from benchmarks.commands import peer
from benchmarks.measure import Benchmark, Contestant, Options, Results, column, interleave, ratios, run_benchmark

CONTESTANTS = {"other bytecode between": 50, "nothing between": 0}
FIGURES = {"after": "after", "elsewhere": "on the other CPU", "back": "back on the first"}


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    run_benchmark(Benchmark("corestate", 15, measure), arguments)


def measure(options: Options, results: Results) -> None:
    """With the other bytecode and without it, in turns."""
    if len(os.sched_getaffinity(0)) == 1:
        results.notes.append("there is only one CPU: the other one is the same")
    turns = 4 if options.quick else 60
    words = {name: ("--turns", turns, "--calls", calls) for name, calls in CONTESTANTS.items()}
    samples = interleave(
        [Contestant(name, partial(peer, "otherloop", *given)) for name, given in words.items()], options.rounds
    )
    results.samples |= samples
    for name in CONTESTANTS:
        fresh = column(samples, name, "fresh")
        results.add(f"{name}: a step before", "ns", fresh)
        for figure, told in FIGURES.items():
            results.add(f"{name}: {told}, over before", "x", ratios(column(samples, name, figure), fresh))


if __name__ == "__main__":
    main(sys.argv[1:])
