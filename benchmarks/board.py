"""The status board's one store an item, by itself: ns above the same loop without it, in one thread and in two."""

import sys
import time
from collections.abc import Sequence
from threading import Barrier, Thread

from benchmarks.measure import Benchmark, Contestant, Options, Results, Sample, column, interleave, run_benchmark
from orchestrator.engine.board import ITEM, Board

STORES = 5_000_000


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    run_benchmark(Benchmark("board", 7, measure), arguments)


def measure(options: Options, results: Results) -> None:
    """The loops of `orchestrator.engine.items`, with its store and without."""
    count = STORES // 100 if options.quick else STORES
    board = Board.create(options.scratch / "board", 2)

    def contestant(name: str, threads: int, *, store: bool) -> Contestant:
        return Contestant(name, lambda: _together(board, threads, count, store=store))

    names = {1: "one thread", 2: "each of two threads"}
    pairs = [(f"{name}{'' if store else ', bare'}", n, store) for n, name in names.items() for store in (False, True)]
    samples = interleave([contestant(name, n, store=store) for name, n, store in pairs], options.rounds)
    results.samples = samples
    results.settings = {"stores": count}
    for name in names.values():
        bare, stored = column(samples, f"{name}, bare", "ns"), column(samples, name, "ns")
        own = [one - other for one, other in zip(stored, bare, strict=True)]
        results.add(f"the board's store, {name}", "ns/item", own, "<= 60")


def _together(board: Board, threads: int, count: int, *, store: bool) -> Sample:
    """Ns an item, the mean of the threads."""
    taken = [0.0] * threads
    start = Barrier(threads)

    def run(number: int) -> None:
        line = board.line(number)
        start.wait()
        taken[number] = (_stores if store else _bare)(line, count)

    running = [Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return {"ns": 1e9 * sum(taken) / threads / count}


def _stores(line: memoryview[int], count: int) -> float:
    numbered = enumerate(range(count))
    began = time.perf_counter()
    for line[ITEM], _value in numbered:
        pass
    return time.perf_counter() - began


def _bare(_line: memoryview[int], count: int) -> float:
    numbered = enumerate(range(count))
    began = time.perf_counter()
    for _number, _value in numbered:
        pass
    return time.perf_counter() - began


if __name__ == "__main__":
    main(sys.argv[1:])
