"""What `gc: auto` gives jobs with many container objects, beside `gc: freeze` and `gc: off`, in turns on two threads.

Rates are items a second of the work itself (node report), what was tried before a choice included; the share of the
time in collections and the peak memory of the worker stand beside them. Cycles are not run with the collector off.
"""

import sys
from collections.abc import Sequence
from functools import partial

from benchmarks.commands import JOBS, Submission, submit
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

THREADS = 2
ITEMS = {"kept": 12_000, "dropped": 4_000, "cycles": 5_000}
QUICK = 200


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    run_benchmark(Benchmark("garbage", 5, measure), arguments)


def measure(options: Options, results: Results) -> None:
    """Each job, with each choice in turns."""
    for job, items in ITEMS.items():
        choices = ("freeze", "auto") if job == "cycles" else ("freeze", "auto", "off")
        many = QUICK if options.quick else items
        contestants = [Contestant(choice, partial(_run, _submission(job, choice, many, options))) for choice in choices]
        samples = interleave(contestants, options.rounds)
        results.samples |= {f"{job}: {choice}": found for choice, found in samples.items()}
        for choice in choices:
            results.add(f"{job}: {choice}", "items/s", column(samples, choice, "rate"))
            results.add(f"{job}: {choice}: in collections", "%", column(samples, choice, "paused"))
            results.add(f"{job}: {choice}: peak memory", "MB", column(samples, choice, "peak"))
        rates = {choice: column(samples, choice, "rate") for choice in choices}
        results.add(f"{job}: auto over freeze", "x", ratios(rates["auto"], rates["freeze"]))


def _submission(job: str, choice: str, items: int, options: Options) -> Submission:
    sets = {"task": f"./garbage.py:{job}", "runtime.gc": choice, "input.range.stop": items}
    return Submission(JOBS / "range.yaml", options.scratch, threads=THREADS, sets=sets)


def _run(wanted: Submission) -> Sample:
    node = submit(wanted).node
    return {
        "rate": node.items / node.wall_seconds,
        "paused": 100 * node.pauses.seconds / node.wall_seconds,
        "peak": node.peak_rss / 1e6,
    }


if __name__ == "__main__":
    main(sys.argv[1:])
