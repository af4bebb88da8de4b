"""Pools that share, or do not share, one large table: `python -m benchmarks.tablepeers START KIND MIB ITEMS BEGAN`.

START says how the processes begin: `fork` loads the table first, so that they share its pages until somebody writes to
them; `spawn` has each process load its own. BEGAN is the clock's reading (seconds, monotonic) before this command.
"""

import json
import os
import sys
import time
from argparse import ArgumentParser
from multiprocessing import get_context
from typing import Any

from benchmarks.jobs.table import load, total
from orchestrator.compare.usage import Peak

WORKERS = 2
_table: Any = None


def begin(kind: str, mib: int) -> None:
    """Load the table in this process, unless it was inherited."""
    global _table  # noqa: PLW0603 - what a pool's worker has
    if _table is None:
        _table = load(kind, mib)


def look(number: int) -> int:
    """An item."""
    return total(_table, number)


def main(arguments: list[str]) -> None:
    """Print the seconds to the first result and the most memory, as JSON."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("start", choices=["fork", "spawn"])
    parser.add_argument("kind")
    parser.add_argument("mib", type=int)
    parser.add_argument("items", type=int)
    parser.add_argument("began", type=float)
    asked = parser.parse_args(arguments)
    if asked.start == "fork":
        begin(asked.kind, asked.mib)
    with get_context(asked.start).Pool(WORKERS, begin, (asked.kind, asked.mib)) as pool:
        pool.apply(look, (0,))
        first = time.perf_counter() - asked.began
        peak = Peak(os.getpid())
        with peak.watched():
            checksum = sum(pool.imap_unordered(look, range(asked.items), 20))
    print(json.dumps({"first": first, "memory": peak.nbytes, "checksum": checksum}))


if __name__ == "__main__":
    main(sys.argv[1:])
