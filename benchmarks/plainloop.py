"""A job's items in a plain `for` loop, in one process: `python -m benchmarks.plainloop sums|textnorm …`."""

import json
import sys
import time
from pathlib import Path

from jobs.sums.task import sums
from jobs.textnorm.task import signer


def loop_sums(items: int, work: int) -> int:
    """The numbers from 0 on; gives how many."""
    for number in range(items):
        sums(number, work)
    return items


def loop_textnorm(root: str) -> int:
    """Every document of a folder; gives how many."""
    sign, count = signer(), 0
    for path in sorted(Path(root).rglob("*.txt")):
        sign(path.read_text("utf-8", "replace"))
        count += 1
    return count


def main(arguments: list[str]) -> None:
    """Print the seconds and the items, as JSON."""
    name, *rest = arguments
    started = time.perf_counter()
    items = loop_textnorm(rest[0]) if name == "textnorm" else loop_sums(int(rest[0]), int(rest[1]))
    print(json.dumps({"seconds": time.perf_counter() - started, "items": items}))


if __name__ == "__main__":
    main(sys.argv[1:])
