"""A large table that every item reads: flat numbers, or Python objects, whose reference counts reading writes."""

from array import array
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from orchestrator import Context, task

LOOKS = 500
BYTES_AN_ENTRY = {"flat": 8, "objects": 280}


def load(kind: str, mib: int) -> Sequence[int] | Mapping[int, tuple[int, str]]:
    """Make the table: the same on every machine, about so many MiB, and all of it really written."""
    entries = (mib << 20) // BYTES_AN_ENTRY[kind]
    if kind == "objects":
        return {number: (number, f"entry {number}") for number in range(entries)}
    block = array("q", Random(1).randbytes(1 << 20))
    return block * mib


@task(process=load)
def look(number: int, ctx: Context, kind: str, mib: int) -> int:  # noqa: ARG001 - what `load` makes it from
    """Add up some entries from all over the table."""
    return total(ctx.process, number)


def total(table: Any, number: int) -> int:
    """The sum of the entries that an item looks at: 500 numbers, or the lengths of 500 texts."""
    random, size, found = Random(number).random, len(table), 0
    if isinstance(table, dict):
        for _ in range(LOOKS):
            found += len(table[int(random() * size)][1])
    else:
        for _ in range(LOOKS):
            found += table[int(random() * size)]
    return found
