"""The output's bytes from the ledger and the parts: joined in input order, holes filled, every checksum checked."""

import zlib
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from orchestrator.errors import RunDamaged
from orchestrator.run.progress import Address, Progress
from orchestrator.run.records import Blob, Commit, Failure, Filled, Range
from orchestrator.store.base import NotFound, Store


def body(store: Store, commits: Iterable[Commit], order: str) -> Iterator[bytes]:
    """The output's body, a stretch at a time.

    Args:
        store: the run's store.
        commits: every commit of every shard, in ledger order.
        order: "input" sorts the stretches by where they lie on the axis; "finished" leaves them as they were committed.

    Raises:
        RunDamaged: a part is missing, too short, or not what was written.
    """
    commits = list(commits)
    ranges = [item for commit in commits for item in commit.ranges]
    if order == "input":
        ranges.sort(key=lambda item: item.lo)
    filled = {(item.lo, item.hi, item.index): item for commit in commits for item in commit.filled}
    for item in ranges:
        yield from _range_bytes(store, item, filled)


def accumulators(store: Store, commits: Iterable[Commit]) -> Iterator[bytes]:
    """The encoded accumulators of a fold, in input order, those of retried items last."""
    commits = list(commits)
    ranges = sorted((item for commit in commits for item in commit.ranges), key=lambda item: item.lo)
    for blobs in [item.blobs for item in ranges] + [item.blobs for commit in commits for item in commit.filled]:
        for blob in blobs:
            yield read_blob(store, blob)


def read_blob(store: Store, blob: Blob) -> bytes:
    """The bytes of a blob.

    Raises:
        RunDamaged: the part is missing, too short, or not what was written.
    """
    where = f"{store.url}/{blob.part}"
    hint = "Restore that file from a copy, or start a new run; nothing was deleted."
    try:
        data = store.get(blob.part, blob.offset, blob.length)
    except NotFound:
        raise RunDamaged("a part that the ledger names is missing", where=where, hint=hint) from None
    if len(data) != blob.length:
        found = blob.offset + len(data)
        raise RunDamaged(
            f"the part ends at byte {found}, the ledger names bytes up to {blob.offset + blob.length}",
            where=where,
            hint=hint,
        )
    if zlib.crc32(data) != blob.crc:
        raise RunDamaged(
            f"bytes {blob.offset} to {blob.offset + blob.length} have another checksum than the ledger says",
            where=where,
            hint=hint,
        )
    return data


def failures(store: Store, commits: Iterable[Commit], progress: Sequence[Progress]) -> list[Failure]:
    """The details of every item that failed and was not made good, in input order, the last attempt's."""
    wanted = {address for shard in progress for address in shard.failed}
    found: dict[Address, Failure] = {}
    decoder = msgspec.json.Decoder(Failure)
    for commit in commits:
        if commit.failures is None:
            continue
        for failure in decoder.decode_lines(store.get(commit.failures)):
            address = (*failure.chunk, failure.index)
            if address in wanted:
                found[address] = failure
    return [found[address] for address in sorted(found)]


def _range_bytes(store: Store, item: Range, filled: dict[Address, Filled]) -> Iterator[bytes]:
    holes = [
        (failed.at, filled[address])
        for failed in sorted(item.failed, key=lambda failed: (failed.at, failed.lo, failed.index))
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
