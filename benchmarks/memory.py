"""Peak memory of the worker and of the supervisor, with ever more items, on two threads.

For ranges and lines it should be flat: the most over the least of all the numbers of items. For files the plan may
cost up to 200 bytes each. With results, about a mebibyte of those that wait for the next commit is in memory, the rest
in an unnamed file; the growth from the middle number on is told beside, where nothing is left to fill.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

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
from benchmarks.trees import make_empty

MB = 1e6
ITEMS = (10_000, 1_000_000, 10_000_000)
FILES = (10_000, 50_000, 200_000)
PROCESSES = ("worker", "supervisor")


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    run_benchmark(Benchmark("memory", 3, measure, timed=False), arguments)


def measure(options: Options, results: Results) -> None:
    """Ranges, lines and files, each with several numbers of items."""
    items = (100, 1_000, 10_000) if options.quick else ITEMS
    files = (100, 200, 400) if options.quick else FILES
    for kind, counts in (("range", items), ("lines", items), ("files", files)):
        inputs = {count: _input(kind, count, options.scratch) for count in counts}
        for keeps in ("JSONL",) if options.quick else ("no output", "JSONL"):
            contestants = [_contestant(kind, sets, keeps, options.scratch, count) for count, sets in inputs.items()]
            samples = interleave(contestants, options.rounds)
            results.samples |= {f"{kind}, {keeps}: {count}": found for count, found in samples.items()}
            _tell(f"{kind}, {keeps}", counts, samples, results)


def _input(kind: str, count: int, scratch: Path) -> dict[str, object]:
    if kind == "range":
        return {"input.range.stop": count}
    path = scratch / f"{kind}-{count}"
    if kind == "files":
        return {"input.files.root": make_empty(path, count).root}
    with path.open("w", encoding="ascii") as out:
        out.writelines(f"line {number:010d} of a text that says nothing much\n" for number in range(count))
    return {"input.lines.path": path}


def _contestant(kind: str, sets: Mapping[str, object], keeps: str, scratch: Path, count: int) -> Contestant:
    out, peak = scratch / "out.jsonl", scratch / "peak"
    output = {"path": os.fspath(out), "overwrite": True} if keeps == "JSONL" else {"format": "none"}
    submission = Submission(JOBS / f"{kind}.yaml", scratch, 2, {**sets, "output": output}, peak=peak)

    def run() -> Sample:
        ended = submit(submission)
        assert ended.report.items == count, "items were lost"
        out.unlink(missing_ok=True)
        return {"worker": ended.node.peak_rss, "supervisor": int(peak.read_text(encoding="ascii"))}

    return Contestant(str(count), run)


def _tell(what: str, counts: Sequence[int], samples: dict[str, list[Sample]], results: Results) -> None:
    least, middle, most = counts
    for process in PROCESSES:
        found = {count: column(samples, str(count), process) for count in counts}
        for count, values in found.items():
            results.add(f"{what}: {process}, {count:,} items", "MB", [value / MB for value in values])
        if what.startswith("files"):
            rows = zip(found[least], found[most], strict=True)
            each = [(high - low) / (most - least) for low, high in rows]
            results.add(f"{what}: {process}, each file", "bytes", each, "<= 200")
            continue
        flat = [max(row) / min(row) for row in zip(*found.values(), strict=True)]
        results.add(f"{what}: {process}, most over least", "x", flat, "<= 1.2")
        growth = ratios(found[most], found[middle])
        results.add(f"{what}: {process}, {most:,} items over {middle:,}", "x", growth)


if __name__ == "__main__":
    main(sys.argv[1:])
