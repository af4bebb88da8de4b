"""The peers that people use today, each in a process of its own: `python -m benchmarks.peers POOL WORK ITEMS …`.

Items are numbers, results come in a list or go to a JSON Lines file. A peer is up and warm before the clock starts. The
results are checked after the clock has stopped.
"""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from itertools import batched
from pathlib import Path

from benchmarks.brokers import BROKERS
from benchmarks.hyperqueue import HYPERQUEUE
from benchmarks.libraries import LIBRARIES
from benchmarks.pools import POOLS, Function, Pool
from benchmarks.work import task

ALL = POOLS | LIBRARIES | BROKERS | HYPERQUEUE
BLOCK = 10_000
ENOUGH = 1.25
"""A batch that takes this part of the seconds asked for, inverted, is long enough."""
MOST = 4_000_000


def measure(asked: Namespace) -> dict[str, float]:
    """Do the work once; its seconds and items."""
    with ALL[asked.pool](asked) as run:
        return _one(run, asked, asked.items)


def sweep(asked: Namespace) -> dict[str, float]:
    """Do as many items as take the seconds that are asked for, with the pool's defaults and with each share.

    Returns:
        `seconds` and `items` with the defaults; `seconds/S` and `items/S` with S chunks a worker.
    """
    found: dict[str, float] = {}
    with ALL[asked.pool](asked) as run:
        for share in (0, *asked.shares):
            asked.share, suffix = share, f"/{share}" if share else ""
            found |= {name + suffix: value for name, value in _long_enough(run, asked).items()}
    return found


def _long_enough(run: Pool, asked: Namespace) -> dict[str, float]:
    """Batches that grow until one takes about the seconds that are asked for; that one's seconds and items."""
    items = asked.items
    while True:
        told = _one(run, asked, items)
        more = asked.seconds / told["seconds"]
        if more < ENOUGH or items >= MOST:
            return told
        # What a short batch takes tells little of a long one.
        items = min(MOST, int(items * (more if more < 4 else min(more / 2, 8))))


def _one(run: Pool, asked: Namespace, count: int) -> dict[str, float]:
    function, items = task(asked.work), range(count)
    started = time.perf_counter()
    results = run(function, items)
    found = list(results) if asked.jsonl is None else _write(results, asked.jsonl)
    seconds = time.perf_counter() - started
    if asked.jsonl is not None:
        found = _read(asked.jsonl)
    if not asked.pool.startswith("loop"):
        _check(found, function, items)
    return {"seconds": seconds, "items": count}


def _check(found: list[int], function: Function, items: range) -> None:
    assert len(found) == len(items), "results were lost"
    if function(1) == 1:
        assert sum(found) == sum(items), "results were wrong"
    else:
        assert function(items[-1]) in found, "results were wrong"


def _write(results: Iterable[int], path: Path) -> list[int]:
    """Encode and write in blocks, in the order in which the results come; here an item and its result are the same."""
    from benchmarks.records import Record, encode_lines

    with path.open("wb") as out:
        for block in batched(results, BLOCK, strict=False):
            out.write(encode_lines([Record(result, result) for result in block]))
    return []


def _read(path: Path) -> list[int]:
    from benchmarks.records import read_lines

    return [record.result for record in read_lines(path)]


def main(arguments: list[str]) -> None:
    """Print what `measure` or `sweep` gives, as JSON."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("pool", choices=ALL)
    parser.add_argument("work", type=int, help="steps of the loop in each item; 0 for none")
    parser.add_argument("items", type=int, help="how many; the fewest, with --seconds")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--chunksize", type=int, default=0, help="items a chunk; the pool's default unless told")
    parser.add_argument("--seconds", type=float, help="do as many items as take so long")
    shares = "with --seconds: in so many chunks a worker, too"
    parser.add_argument("--shares", type=int, nargs="*", default=[], help=shares)
    parser.add_argument("--jsonl", type=Path, help="write the results here")
    asked = parser.parse_args(arguments, Namespace(share=0))
    print(json.dumps(measure(asked) if asked.seconds is None else sweep(asked)))


if __name__ == "__main__":
    main(sys.argv[1:])
