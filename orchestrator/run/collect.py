"""The output's bytes from the ledger and the parts: joined in input order, holes filled, every checksum checked."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from orchestrator.errors import RunDamaged
from orchestrator.run.progress import Address, Progress
from orchestrator.run.records import Blob, Commit, Failure, Filled, Range
from orchestrator.store.base import NotFound, Store

_HINT = "Go on with the run by --resume: it is computed again. Nothing was deleted."


@dataclass(frozen=True, slots=True)
class Live:
    """What the commits add up to: ranges that were not taken back, in ledger order, and the items filled in later."""

    ranges: list[Range]
    filled: dict[Address, Filled]

    def in_order(self) -> list[Range]:
        """The ranges by where they lie on the axis."""
        return sorted(self.ranges, key=lambda item: item.lo)


def live(commits: Iterable[Commit]) -> Live:
    """The ranges and filled items that stand after all commits; pure."""
    ranges: dict[tuple[int, int], Range] = {}
    filled: dict[Address, Filled] = {}
    for commit in commits:
        for void in commit.voided:
            ranges.pop((void.lo, void.hi), None)
            for address in [address for address in filled if void.lo <= address[0] and address[1] <= void.hi]:
                del filled[address]
        ranges.update({(item.lo, item.hi): item for item in commit.ranges})
        filled.update({(item.lo, item.hi, item.index): item for item in commit.filled})
    return Live(list(ranges.values()), filled)


def body(store: Store, commits: Iterable[Commit], order: str) -> Iterator[bytes]:
    """The output's body, a stretch at a time.

    Args:
        store: the run's store.
        commits: every commit of every shard, in ledger order.
        order: "input" sorts the stretches by where they lie on the axis; "finished" leaves them as they were committed.

    Raises:
        RunDamaged: a part is missing, too short, or not what was written.
    """
    standing = live(commits)
    for item in standing.ranges if order == "finished" else standing.in_order():
        yield from _range_bytes(store, item, standing.filled)


def accumulators(store: Store, commits: Iterable[Commit]) -> Iterator[bytes]:
    """The encoded accumulators of a fold, in input order, those of retried items last."""
    standing = live(commits)
    blobs = [blob for item in standing.in_order() for blob in item.blobs]
    blobs += [blob for item in standing.filled.values() for blob in item.blobs]
    for blob in blobs:
        yield read_blob(store, blob)


def damaged(store: Store, commits: Iterable[Commit]) -> list[Range]:
    """The ranges whose bytes are missing, too short, or not what was written."""
    return [item for item in live(commits).ranges if not _is_whole(store, item)]


def _is_whole(store: Store, item: Range) -> bool:
    try:
        for blob in item.blobs:
            read_blob(store, blob)
    except RunDamaged:
        return False
    return True


def read_blob(store: Store, blob: Blob) -> bytes:
    """The bytes of a blob.

    Raises:
        RunDamaged: the part is missing, too short, or not what was written.
    """
    where = f"{store.url}/{blob.part}"
    try:
        data = store.get(blob.part, blob.offset, blob.length)
    except NotFound:
        raise RunDamaged("a part that the ledger names is missing", where=where, hint=_HINT) from None
    if len(data) != blob.length:
        found = blob.offset + len(data)
        raise RunDamaged(
            f"the part ends at byte {found}, the ledger names bytes up to {blob.offset + blob.length}",
            where=where,
            hint=_HINT,
        )
    if zlib.crc32(data) != blob.crc:
        raise RunDamaged(
            f"bytes {blob.offset} to {blob.offset + blob.length} have another checksum than the ledger says",
            where=where,
            hint=_HINT,
        )
    return data


def failures(store: Store, commits: Iterable[Commit], progress: Sequence[Progress]) -> list[Failure]:
    """The details of every item that failed and was not made good, in input order, the last attempt's.

    Raises:
        RunDamaged: a part that holds them is missing, or not what was written.
    """
    # A chunk's own failures are in input order; their numbers are not, where items could not even be made.
    wanted = sorted((address for shard in progress for address in shard.failed), key=lambda address: address[0])
    kept, found = set(wanted), dict[Address, Failure]()
    for commit in commits:
        for failure in _failures_of(store, commit):
            address = (*failure.chunk, failure.index)
            if address in kept:
                found[address] = failure
    return [found[address] for address in wanted if address in found]


def _failures_of(store: Store, commit: Commit) -> list[Failure]:
    if commit.failures is None:
        return []
    where = f"{store.url}/{commit.failures}"
    try:
        return msgspec.json.Decoder(Failure).decode_lines(store.get(commit.failures))
    except NotFound:
        raise RunDamaged("a part that the ledger names is missing", where=where, hint=_HINT) from None
    except msgspec.MsgspecError as error:
        raise RunDamaged(f"this part cannot be read: {error}", where=where, hint=_HINT) from error


def _range_bytes(store: Store, item: Range, filled: dict[Address, Filled]) -> Iterator[bytes]:
    holes = [
        (failed.at, filled[address])
        for failed in sorted(item.failed, key=lambda failed: failed.at)  # those at one place: in input order already
        if (address := (failed.lo, failed.hi, failed.index)) in filled
    ]
    position = 0
    for blob in item.blobs:
        data = read_blob(store, blob)
        start = 0
        while holes and holes[0][0] < position + blob.length:
            at, fill = holes.pop(0)
            yield data[start : at - position]
            yield from (read_blob(store, extra) for extra in fill.blobs)
            start = at - position
        yield data[start:]
        position += blob.length
    for _, fill in holes:
        yield from (read_blob(store, extra) for extra in fill.blobs)
