"""The output's bytes from the ledger and the parts: joined in input order, holes filled, every checksum checked."""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import msgspec
from msgspec import Struct

from orchestrator.errors import RunDamaged
from orchestrator.run.progress import Address, Progress
from orchestrator.run.records import Blob, Commit, Failure, Filled, Range
from orchestrator.store.base import NotFound, Store

_BLOCK = 1 << 20
_HINT = "Go on with the run by --resume: it is computed again. Nothing was deleted."


class Live(Struct, frozen=True):
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
    """The ranges of which something is missing, too short, or not what was written.

    That is their own bytes, those of items that were filled in, or what is told of items that failed.
    """
    commits = list(commits)
    standing, told = live(commits), _told(commits)
    return [item for item in standing.ranges if not _is_whole(store, item, standing, told)]


def _is_whole(store: Store, item: Range, standing: Live, told: dict[Address, str]) -> bool:
    addresses = list(_failed_in(item, standing.filled))
    fills = [standing.filled[address] for address in addresses if address in standing.filled]
    try:
        for blob in chain(item.blobs, *(fill.blobs for fill in fills)):
            read_blob(store, blob)
        _details(store, [address for address in addresses if address not in standing.filled], told)
    except RunDamaged:
        return False
    return True


def _failed_in(item: Range | Filled, filled: Mapping[Address, Filled]) -> Iterator[Address]:
    """What failed of it, and of what was filled in there."""
    for failed in item.failed:
        address = (failed.lo, failed.hi, failed.index)
        yield address
        if address in filled:
            yield from _failed_in(filled[address], filled)


def read_blob(store: Store, blob: Blob) -> bytes:
    """The bytes of a blob.

    Raises:
        RunDamaged: the part is missing, too short, or not what was written.
    """
    return b"".join(stream_blob(store, blob))


def stream_blob(store: Store, blob: Blob) -> Iterator[bytes]:
    """The bytes of a blob, a megabyte at a time; whether they are what was written is known after the last of them.

    Raises:
        RunDamaged: the part is missing, too short, or not what was written.
    """
    crc = done = 0
    while done < blob.length:
        try:
            data = store.get(blob.part, blob.offset + done, min(_BLOCK, blob.length - done))
        except NotFound:
            raise _damage(store, blob, "a part that the ledger names is missing") from None
        if not data:
            named = blob.offset + blob.length
            raise _damage(
                store, blob, f"the part ends at byte {blob.offset + done}, the ledger names bytes up to {named}"
            )
        crc = zlib.crc32(data, crc)
        done += len(data)
        yield data
    if crc != blob.crc:
        stretch = f"bytes {blob.offset} to {blob.offset + blob.length}"
        raise _damage(store, blob, f"{stretch} have another checksum than the ledger says")


def _damage(store: Store, blob: Blob, message: str) -> RunDamaged:
    return RunDamaged(message, where=f"{store.url}/{blob.part}", hint=_HINT)


def failures(store: Store, commits: Iterable[Commit], progress: Sequence[Progress]) -> list[Failure]:
    """The details of every item that failed and was not made good, in input order, the last attempt's.

    Raises:
        RunDamaged: a part that holds them is missing, cannot be read, or lacks one.
    """
    # A chunk's own failures are in input order; their numbers are not, where items could not even be made.
    wanted = sorted((address for shard in progress for address in shard.failed), key=lambda address: address[0])
    found = _details(store, wanted, _told(commits))
    return [found[address] for address in wanted if address in found]


def _told(commits: Iterable[Commit]) -> dict[Address, str]:
    """The part that tells of each item's last failure; pure."""
    told: dict[Address, str] = {}
    for commit in commits:
        within: list[Range | Filled] = [*commit.ranges, *commit.filled]
        failed = chain(commit.refailed, *(item.failed for item in within))
        if commit.failures is not None:
            told.update(((item.lo, item.hi, item.index), commit.failures) for item in failed)
    return told


def _details(store: Store, wanted: Iterable[Address], told: dict[Address, str]) -> dict[Address, Failure]:
    """What is told of items that failed.

    Raises:
        RunDamaged: a part is missing, cannot be read, or does not tell of an item that it should.
    """
    found: dict[Address, Failure] = {}
    read: dict[str, dict[Address, Failure]] = {}
    for address in wanted:
        part = told.get(address)
        if part is None:
            continue
        if part not in read:
            read[part] = _read_failures(store, part)
        if address not in read[part]:
            where = f"{store.url}/{part}"
            raise RunDamaged("this part lacks an item that the ledger says has failed", where=where, hint=_HINT)
        found[address] = read[part][address]
    return found


def _read_failures(store: Store, part: str) -> dict[Address, Failure]:
    where = f"{store.url}/{part}"
    try:
        failed = msgspec.json.Decoder(Failure).decode_lines(store.get(part))
    except NotFound:
        raise RunDamaged("a part that the ledger names is missing", where=where, hint=_HINT) from None
    except msgspec.MsgspecError as error:
        raise RunDamaged(f"this part cannot be read: {error}", where=where, hint=_HINT) from error
    return {(*failure.chunk, failure.index): failure for failure in failed}


def _range_bytes(store: Store, item: Range | Filled, filled: dict[Address, Filled]) -> Iterator[bytes]:
    holes = [
        (failed.at, filled[address])
        for failed in sorted(item.failed, key=lambda failed: failed.at)  # those at one place: in input order already
        if (address := (failed.lo, failed.hi, failed.index)) in filled
    ]
    position = 0
    for blob in item.blobs:
        if not holes or holes[0][0] >= position + blob.length:
            yield from stream_blob(store, blob)
            position += blob.length
            continue
        data = read_blob(store, blob)
        start = 0
        while holes and holes[0][0] < position + blob.length:
            at, fill = holes.pop(0)
            yield data[start : at - position]
            yield from _range_bytes(store, fill, filled)
            start = at - position
        yield data[start:]
        position += blob.length
    for _, fill in holes:
        yield from _range_bytes(store, fill, filled)
