"""Find near-duplicate texts: normalise, tokenise, shingle, MinHash. Plain Python, which the GIL held back.

Guarantees: a thread touches no object of another: its hash functions and its compiled pattern are its own, so
no reference count is shared. The signature depends on the text and the arguments only, never on Python's
randomised `hash()`, the machine or the thread.
"""

import os
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any
from unicodedata import normalize
from zlib import crc32

from orchestrator import Context, task
from orchestrator.errors import TaskError

type HashFunction = tuple[int, int]
type Signer = Callable[[str], dict[str, Any]]

# Multiply-add-shift (Dietzfelbinger 1996): 32-bit values, 63-bit multipliers, the top 32 of 63 bits.
MASK = (1 << 63) - 1
SHIFT = 31


def canonical(text: str) -> str:
    """Text in NFC, as it compares without regard to case (Unicode 17, definition D145)."""
    # Decomposed first: casefold maps U+0345 to a letter, which must not happen before the marks are in order.
    return normalize("NFC", normalize("NFD", text).casefold())


def hash_functions(count: int, seed: int) -> tuple[HashFunction, ...]:
    """The multipliers and offsets of `count` hash functions, the same for the same seed everywhere."""
    random = Random(seed)
    return tuple((random.getrandbits(63) | 1, random.getrandbits(63)) for _ in range(count))


def check(permutations: object = 64, shingle: object = 5, seed: object = 1) -> None:
    """Check the arguments, once, before any text.

    Raises:
        TaskError: one of them is out of range.
    """
    for name, value, least, most in (
        ("permutations", permutations, 1, 4096),
        ("shingle", shingle, 1, 100),
        ("seed", seed, 0, 1 << 63),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise TaskError(f"{value!r} is not a whole number from {least} to {most}", where=f"with.{name}")


def signer(permutations: int = 64, shingle: int = 5, seed: int = 1) -> Signer:
    """Make one thread's function from a text to its signature."""
    functions = hash_functions(permutations, seed)
    # The comment makes it a pattern of this thread: `re` keeps one object for each text of a pattern.
    words = re.compile(rf"\w+(?#thread {threading.get_ident()})").findall

    def sign(text: str) -> dict[str, Any]:
        tokens = words(canonical(text))
        hashes = shingle_hashes(tokens, shingle)
        return {"tokens": len(tokens), "shingles": len(hashes), "minhash": minhash(hashes, functions)}

    return sign


def shingle_hashes(tokens: Sequence[str], size: int) -> list[int]:
    """The distinct 32-bit hashes of all runs of `size` tokens; a text shorter than that is one run."""
    if not tokens:
        return []
    join, checksum = " ".join, crc32
    last = max(len(tokens) - size, 0)
    return list({checksum(join(tokens[at : at + size]).encode()) for at in range(last + 1)})


def minhash(hashes: Sequence[int], functions: Sequence[HashFunction]) -> list[int]:
    """The least value of every hash function over the shingles; nothing where there is no shingle."""
    if not hashes:
        return []
    mask = MASK
    return [min([(factor * value + offset) & mask for value in hashes]) >> SHIFT for factor, offset in functions]


def similarity(one: Sequence[int], other: Sequence[int]) -> float:
    """The Jaccard similarity of two texts' shingles, estimated from their n numbers to about ± 1/√n."""
    if not one or not other:
        return float(not one and not other)
    return sum(left == right for left, right in zip(one, other, strict=True)) / len(one)


@task(process=check, thread=signer)
def signature(
    document: str | os.PathLike[str],
    ctx: Context,
    permutations: int = 64,  # noqa: ARG001  what `signer` makes its functions from
    shingle: int = 5,  # noqa: ARG001
    seed: int = 1,  # noqa: ARG001
) -> dict[str, Any]:
    """Give a text's MinHash signature, with its number of tokens and of distinct shingles.

    Args:
        document: a text (of `input: lines`), or a UTF-8 file (of `input: files`); other bytes become U+FFFD.
        ctx: holds this thread's signer, already made from the other arguments.
        permutations: the length of the signature.
        shingle: how many tokens a shingle has.
        seed: chooses the hash functions; signatures of different seeds do not compare.

    Raises:
        OSError: the file is gone or cannot be read.
    """
    text = document if isinstance(document, str) else Path(document).read_text("utf-8", "replace")
    return ctx.thread(text)  # type: ignore[no-any-return]
