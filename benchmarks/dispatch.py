"""What a batch costs beyond the work itself: ns an item above a bare `for` loop that calls the same function.

`seconds` are those of the work itself, with everything started: ftorch's from its node report (the first chunk handed
out to the last commit, on disk), the pools' with their workers up and warm. The whole command is told beside them.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from benchmarks.commands import JOBS, Submission, peer, submit
from benchmarks.measure import (
    Benchmark,
    Contestant,
    Options,
    Results,
    Sample,
    best_of,
    column,
    interleave,
    quickest,
    ratios,
    run_benchmark,
)

WORKERS = 2
POOLS = {
    "threads": "ThreadPoolExecutor.map",
    "processes": "ProcessPoolExecutor.map, tuned",
    "mp-imap": "mp.Pool.imap_unordered, tuned",
    "mp-map": "mp.Pool.map, tuned",
}


@dataclass(frozen=True, slots=True)
class Level:
    """So much work an item.

    Attributes:
        name: about how long an item takes.
        steps: of the loop in it; 0 does nothing.
        items: for ftorch and the loop.
        pool: for the pools of processes.
        threads: for the pool of threads, which costs most an item.
        jsonl: write the results, too.
    """

    name: str
    steps: int
    items: int
    pool: int
    threads: int
    jsonl: bool = False

    def smaller(self) -> Level:
        """The same for a smoke run."""
        most = 20_000 if self.steps == 0 else 400
        return replace(self, items=min(self.items, most), pool=min(self.pool, most), threads=min(self.threads, most))


LEVELS = (
    Level("nothing", 0, 10_000_000, 2_000_000, 100_000),
    Level("nothing, JSONL", 0, 5_000_000, 2_000_000, 100_000, jsonl=True),
    Level("7 µs", 140, 400_000, 400_000, 100_000),
    Level("91 µs", 1_800, 40_000, 40_000, 40_000),
    Level("790 µs", 15_800, 5_000, 5_000, 5_000),
)


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    run_benchmark(Benchmark("dispatch", 5, measure), arguments)


def measure(options: Options, results: Results) -> None:
    """Every level, one after the other; within a level the contestants take turns."""
    results.notes.append("above the loop: CPUs x wall an item, less the loop's")
    results.notes.append("peers keep results in a list, or encode and write them in their parent, without fsync")
    results.notes.append("all of them run on the same free-threaded Python")
    for level in [level.smaller() for level in LEVELS[1:2]] if options.quick else LEVELS:
        _level(level, options, results)


def _level(level: Level, options: Options, results: Results) -> None:
    tuned = {pool: _tune(pool, level, options) for pool in POOLS if pool != "threads"}
    results.settings[level.name] = {"steps": level.steps, "items": level.items, "chunksize": tuned}
    loops = [Contestant(name, partial(peer, "peers", name, level.steps, level.items)) for name in ("loop", "loops")]
    ours = [Contestant(f"ftorch {threads}", partial(ftorch, level, threads, options)) for threads in (1, WORKERS)]
    pools = [Contestant(pool, partial(_pool, pool, level, tuned.get(pool, 1), options)) for pool in POOLS]
    samples = interleave([*loops, *ours, *pools], options.rounds)
    results.samples |= {f"{level.name}: {name}": found for name, found in samples.items()}
    _tell(level, results)


def ftorch(level: Level, threads: int, options: Options) -> Sample:
    """Do a level with ftorch; seconds of the work itself and of the whole command, items, CPU seconds."""
    output = options.scratch / "out.jsonl"
    sets: dict[str, object] = {"input.range.stop": level.items}
    sets["output"] = {"path": os.fspath(output)} if level.jsonl else {"format": "none"}
    if level.steps:
        sets["with.work"] = level.steps
    job = JOBS / ("alike.yaml" if level.steps else "range.yaml")
    ended = submit(Submission(job, options.scratch, threads, sets))
    node = ended.node
    assert ended.report.items == level.items, "items were lost"
    if level.jsonl:
        assert level.steps or output.stat().st_size == jsonl_bytes(level.items), "results were lost"
        output.unlink()
    cpu = sum(lane.cpu_seconds for lane in node.lanes)
    return {"seconds": node.wall_seconds, "items": level.items, "whole": ended.seconds, "cpu": cpu}


def jsonl_bytes(items: int) -> int:
    """The size of the lines {"key":n,"result":n} for n from 0 on."""
    digits, low = 0, 0
    for width in range(1, 20):
        high = min(items, 10**width)
        digits += max(0, high - low) * width
        low = max(low, high)
    return items * len('{"key":,"result":}\n') + 2 * digits


def _pool(pool: str, level: Level, chunksize: int, options: Options) -> Sample:
    items = level.threads if pool == "threads" else level.pool
    words: list[object] = [pool, level.steps, items, "--workers", WORKERS, "--chunksize", chunksize]
    if level.jsonl:
        words += ["--jsonl", options.scratch / "peer.jsonl"]
    return peer("peers", *words)


def _tune(pool: str, level: Level, options: Options) -> int:
    shares = (4,) if options.quick else (4, 32, 256)
    sizes = sorted({max(1, level.pool // (WORKERS * share)) for share in shares})
    return quickest(sizes, lambda size: _pool(pool, level, size, options)["seconds"])


def _tell(level: Level, results: Results) -> None:
    def each(name: str, figure: str = "seconds") -> list[float]:
        samples, key = results.samples, f"{level.name}: {name}"
        return [1e9 * one for one in ratios(column(samples, key, figure), column(samples, key, "items"))]

    def tell(what: str, values: list[float], target: str | None = None) -> None:
        results.add(f"{level.name}: {what}", "ns/item", values, target)

    loop = each("loop")
    tell("bare loop", loop)
    tell(f"bare loops, {WORKERS} threads", each("loops"))
    target = None if level.steps else f"<= {800 if level.jsonl else 300}"
    for threads, name in ((1, "ftorch, 1 thread"), (WORKERS, f"ftorch, {WORKERS} threads")):
        ours = each(f"ftorch {threads}")
        above = [threads * own - bare for own, bare in zip(ours, loop, strict=True)]
        tell(name, ours)
        tell(f"{name}, above the loop", above, target if threads == 1 else None)
        tell(f"{name}, whole command", each(f"ftorch {threads}", "whole"))
    pools = {name: each(pool) for pool, name in POOLS.items()}
    for name, values in pools.items():
        tell(name, values)
    best = best_of(pools)
    over = ratios(each(f"ftorch {WORKERS}"), pools[best])
    results.add(f"{level.name}: ftorch, {WORKERS} threads, over the best pool, {best}", "x", over)


if __name__ == "__main__":
    main(sys.argv[1:])
