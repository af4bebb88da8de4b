"""A table of 1 GiB that every item reads: memory of all processes together, and seconds to the first result.

Two tables: flat numbers, which processes that are forked after it was loaded go on sharing; and Python objects, whose
reference counts are written whenever they are read, so that a forked process copies what it reads. Memory is the sum of
proportional shares (PSS), looked at ten times a second while the items are done; for ftorch, whose worker ends with the
run, that worker's own highest and what its supervisor has.
"""

import sys
import time
from collections.abc import Sequence
from functools import partial

from benchmarks.commands import JOBS, peer
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
from orchestrator.compare.turn import Course, take_turn

MIB = {"flat": 1024, "objects": 512}
ITEMS = 4000
NAMES = {
    "threads": "ftorch",
    "fork": "mp.Pool, forked after loading",
    "processes": "mp.Pool, forked, loading in each",
    "spawn": "mp.Pool, spawned",
    "redis": "Redis fleet",
}
GB = 1e9


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    run_benchmark(Benchmark("sharedtable", 3, measure), arguments)


def measure(options: Options, results: Results) -> None:
    """Both tables, one after the other; the contestants take turns."""
    results.notes.append("two workers each; all of them run on the same free-threaded Python")
    results.notes.append("ftorch's first result is that of a whole run of one item, its output on disk")
    found = backends(["threads", "processes", "redis"], results)
    for kind, full in MIB.items():
        mib, items = (8, 100) if options.quick else (full, ITEMS)
        sets = [f"input.range.stop={items}", f"with.kind={kind}", f"with.mib={mib}"]
        course = course_of(JOBS / "table.yaml", sets, options.scratch)
        contestants = [Contestant(backend.name, partial(_turn, backend, course)) for backend in found]
        contestants += [Contestant(start, partial(_peer, start, kind, mib, items)) for start in ("fork", "spawn")]
        samples = interleave(contestants, options.rounds)
        results.samples |= {f"{kind}: {name}": taken for name, taken in samples.items()}
        results.settings[kind] = {"mib": mib, "items": items}
        _tell(kind, mib, samples, results)


def _turn(backend: Backend, course: Course) -> Sample:
    sample, outcome = take_turn(backend, course, 20, latencies=False)
    assert not outcome.failed, "items failed"
    assert sample.memory == "PSS", "this kernel tells no PSS"
    return {"first": sample.startup, "memory": sample.peak}


def _peer(start: str, kind: str, mib: int, items: int) -> Sample:
    return peer("tablepeers", start, kind, mib, items, time.perf_counter())


def _tell(kind: str, mib: int, samples: dict[str, list[Sample]], results: Results) -> None:
    what = f"{kind}, {mib} MiB"
    ours = {figure: column(samples, "threads", figure) for figure in ("memory", "first")}
    for name in (name for name in NAMES if name in samples):
        memory, first = column(samples, name, "memory"), column(samples, name, "first")
        results.add(f"{what}: {NAMES[name]}, memory", "GB", [value / GB for value in memory])
        results.add(f"{what}: {NAMES[name]}, first result", "s", first)
    for name in (name for name in NAMES if name in samples and name != "threads"):
        memory = ratios(column(samples, name, "memory"), ours["memory"])
        results.add(f"{what}: {NAMES[name]} over ftorch, memory", "x", memory)


if __name__ == "__main__":
    main(sys.argv[1:])
