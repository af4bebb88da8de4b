"""One item at a time on a warm pool, nothing else to do: seconds until its result is in hand.

ftorch's pool is its engine's, in one process; the others pickle the item and the result on their way to a worker and
back. What an item itself takes is the same for all.
"""

import statistics
import sys
from collections.abc import Sequence
from functools import partial

from benchmarks.commands import JOBS, ROOT
from benchmarks.measure import (
    Benchmark,
    Contestant,
    Options,
    Results,
    Sample,
    column,
    interleave,
    ratios,
    run_benchmark,
)
from benchmarks.turns import backends, course_of
from orchestrator.compare.backends import Backend
from orchestrator.compare.turn import Course, ready

LEVELS = {"nothing": 0, "91 µs": 1_800}
NAMES = {
    "threads": "ftorch",
    "processes": "mp.Pool.apply",
    "interpreters": "InterpreterPoolExecutor.submit",
    "redis": "Redis fleet",
}
ITEMS = 1000
MOST_SECONDS = 20.0


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    run_benchmark(Benchmark("latency", 5, measure), arguments)


def measure(options: Options, results: Results) -> None:
    """Items without work, and with some; the contestants take turns."""
    results.notes.append(
        "two workers, the same free-threaded Python for all; the Redis fleet shares the CPUs with its broker"
    )
    found = backends(list(NAMES), results)
    for level, steps in LEVELS.items():
        items = 20 if options.quick else ITEMS
        job = ROOT / "jobs" / "sums" / "job.yaml" if steps else JOBS / "range.yaml"
        course = course_of(
            job, [f"input.range.stop={items}", *([f"with.work={steps}"] if steps else [])], options.scratch
        )
        contestants = [Contestant(backend.name, partial(_alone, backend, course)) for backend in found]
        samples = interleave(contestants, options.rounds)
        results.samples |= {f"{level}: {name}": taken for name, taken in samples.items()}
        results.settings[level] = {"steps": steps, "items": items}
        for name in samples:
            for figure in ("p50", "p99"):
                values = [1e6 * value for value in column(samples, name, figure)]
                results.add(f"{level}: {NAMES[name]}, {figure}", "µs", values)
        for name in samples:
            if name != "threads":
                over = ratios(column(samples, name, "p50"), column(samples, "threads", "p50"))
                target = ">= 25" if (name, steps) == ("redis", 0) else None
                results.add(f"{level}: {NAMES[name]} over ftorch, p50", "x", over, target)


def _alone(backend: Backend, course: Course) -> Sample:
    """One turn: a tenth of the items first, so that everything is warm, then all of them."""
    with ready(backend, course) as (arena, _):
        arena.ask("ones", size=course.items, count=max(3, course.items // 10), seconds=MOST_SECONDS)
        taken = arena.ask("ones", size=course.items, count=course.items, seconds=MOST_SECONDS).latencies
    return {"p50": statistics.median(taken), "p99": sorted(taken)[(99 * len(taken) - 1) // 100], "items": len(taken)}


if __name__ == "__main__":
    main(sys.argv[1:])
