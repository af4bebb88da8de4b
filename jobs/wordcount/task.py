"""Count words: a fold. Each chunk counts on its own, the counts are merged, the last step ranks them.

Guarantees: no counter is shared; an accumulator belongs to one chunk until it is merged.
"""

import re
import threading
from collections.abc import Callable
from typing import Any

from orchestrator import Context, Fold, task

TOP = 100

type Counts = dict[str, int]


def splitter() -> Callable[[str], list[str]]:
    """Make one thread's function from a text to its words: runs of letters, of any script."""
    # The comment makes it a pattern of this thread: `re` keeps one object for each text of a pattern.
    return re.compile(rf"[^\W\d_]+(?#thread {threading.get_ident()})").findall


def add(counts: Counts, words: list[str]) -> Counts:
    """Count one line's words."""
    get = counts.get
    for word in words:
        counts[word] = get(word, 0) + 1
    return counts


def merge(one: Counts, other: Counts) -> Counts:
    """Add two chunks' counts."""
    get = one.get
    for word, count in other.items():
        one[word] = get(word, 0) + count
    return one


def rank(counts: Counts) -> dict[str, Any]:
    """The total, the number of different words, and the most frequent ones, ties in the words' order."""
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return {"total": sum(counts.values()), "distinct": len(counts), "top": dict(ranked[:TOP])}


@task(thread=splitter, fold=Fold(zero=dict, add=add, merge=merge, finish=rank))
def words(line: str, ctx: Context) -> list[str]:
    """Give the words of a line, in lower case (casefolded)."""
    return ctx.thread(line.casefold())  # type: ignore[no-any-return]
