"""Blocks of input and the batches they become."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain

from msgspec import Struct, structs

from orchestrator.inputs.base import Batch
from orchestrator.spec.keys import Key

# Larger blocks gain nothing (the decoded items fall out of the cache) and cost every thread their memory.
TARGET = 1 << 16
_BOM = b"\xef\xbb\xbf"


class Block(Struct, frozen=True):
    """Consecutive whole lines or records of one file.

    Attributes:
        label: the file's name, which keys begin with.
        offset: where in the file (or in its decompressed stream) the data begins.
        data: the bytes.
    """

    label: str
    offset: int
    data: bytes


type Parse = Callable[[Block], Batch]


def without_bom(block: Block) -> Block:
    """The block without the byte order mark that may begin a file."""
    if block.offset == 0 and block.data.startswith(_BOM):
        return structs.replace(block, offset=len(_BOM), data=block.data[len(_BOM) :])
    return block


def merged(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Join consecutive small batches into ones of about TARGET bytes; empty ones vanish."""
    waiting: list[Batch] = []
    nbytes = 0
    for batch in batches:
        if waiting and nbytes + batch.nbytes > TARGET:
            yield _joined(waiting, nbytes)
            waiting, nbytes = [], 0
        if batch.values or batch.unreadable:
            waiting.append(batch)
            nbytes += batch.nbytes
    if waiting:
        yield _joined(waiting, nbytes)


def _joined(batches: Sequence[Batch], nbytes: int) -> Batch:
    if len(batches) == 1:
        return batches[0]
    values = list(chain.from_iterable(batch.values for batch in batches))
    unreadable = []
    before = 0
    for batch in batches:
        unreadable += [structs.replace(bad, position=bad.position + before) for bad in batch.unreadable]
        before += len(batch.values)
    return Batch(values, partial(_all_keys, [batch.keys for batch in batches]), nbytes, unreadable)


def _all_keys(parts: Sequence[Callable[[], Sequence[Key]]]) -> list[Key]:
    return list(chain.from_iterable(keys() for keys in parts))
