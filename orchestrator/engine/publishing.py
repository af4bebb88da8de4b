"""From a run whose every item is settled to its output; may be done again, and gives the same."""

import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from orchestrator.engine.runreport import OutputReport
from orchestrator.outputs.open import header
from orchestrator.outputs.publish import Published, publish_file, publish_json, publish_parts
from orchestrator.outputs.records import pieces_of_records
from orchestrator.outputs.target import Target, target_of
from orchestrator.outputs.tree import count_files
from orchestrator.run.collect import body, failures
from orchestrator.run.folder import FAILURES, FOLD_RESULT, Manifest
from orchestrator.run.records import Commit, Failure
from orchestrator.run.shards import Shard
from orchestrator.spec.model import Output
from orchestrator.store.base import NotFound, Store

_PUBLISHED = "published.json"
_PIECES_A_PART = 16
_LEAST_PIECE = 1 << 10


class Settled(Struct, frozen=True):
    """A run's ledgers."""

    shards: list[Shard]

    @property
    def complete(self) -> bool:
        """Whether every item is settled."""
        return all(shard.progress.complete for shard in self.shards)

    @property
    def items(self) -> int:
        """Items settled so far."""
        return sum(shard.progress.items for shard in self.shards)

    @property
    def nbytes(self) -> int:
        """Bytes of input settled so far."""
        return sum(shard.progress.nbytes for shard in self.shards)

    @property
    def failed(self) -> int:
        """Items that failed and were not made good."""
        return sum(len(shard.progress.failed) for shard in self.shards)

    @property
    def commits(self) -> list[Commit]:
        """Every commit."""
        return [commit for shard in self.shards for commit in shard.commits]


def write_failures(store: Store, settled: Settled) -> list[Failure]:
    """Write `failures.jsonl` of a run, and give what it holds."""
    found = failures(store, settled.commits, [shard.progress for shard in settled.shards])
    store.put(FAILURES, [msgspec.json.Encoder().encode_lines(found)])
    return found


def publish(store: Store, manifest: Manifest, settled: Settled) -> OutputReport | None:
    """Write the output of a complete run where the job wants it; None for a job without output.

    What this run published before is replaced (after a retry of failed items, say); anything else that stands there is
    not, unless the job says `overwrite: true`.

    Raises:
        OutputError: something else is there.
        StoreUnavailable: it cannot be written.
        RunDamaged: a part is not what the ledger says.
    """
    output = manifest.spec.output
    target = target_of(output, manifest.output_format, Path(manifest.base), manifest.spec.name)
    if target.format == "none":
        return None
    if target.format == "tree":
        return OutputReport(target.shown, 0, _files(manifest, target, settled))
    if _is_ours(store, target):
        target = structs.replace(target, overwrite=True)
    stretches = body(store, settled.commits, output.order)
    published = (_write_remote if target.url else _write)(store, manifest, target, stretches)
    report = OutputReport(str(published.path), published.bytes, published.files)
    store.put(_PUBLISHED, [msgspec.json.encode(report)])
    return report


def fewer_files(settled: Settled, output: OutputReport | None) -> str:
    """What is to be said of a tree that holds fewer files than there are results; "" where it does not."""
    lost = 0 if output is None else settled.items - settled.failed - output.files
    if lost <= 0:
        return ""
    return (
        f"the tree holds {lost:,} files fewer than there are results: items name the same files, of which the one "
        "written last stays; let output.name have more of the key"
    )


def _files(manifest: Manifest, target: Target, settled: Settled) -> int:
    """How many files a tree has of this run. Shards cannot see what others wrote, so there it is counted."""
    results = settled.items - settled.failed
    if len(settled.shards) == 1:
        return results
    if not target.url:
        return min(results, count_files(target.path))
    from orchestrator.store.places import parse_place
    from orchestrator.store.remote import RemoteStore

    found = RemoteStore(parse_place(target.url), manifest.spec.remote).list("")
    return min(results, sum(1 for _ in found))


def _write_remote(store: Store, manifest: Manifest, target: Target, stretches: Iterable[bytes]) -> Published:
    from orchestrator.outputs.remote import publish_remote, publish_remote_parts

    output, remote = manifest.spec.output, manifest.spec.remote
    if target.format == "json":
        content = b"", [store.get(FOLD_RESULT).removesuffix(b"\n"), b"\n"]
        return publish_remote(target, remote, manifest.id, content)
    if target.parts:
        pieces, size = _pieces(output, target, stretches)
        return publish_remote_parts(target, remote, manifest.id, (header(output, target.format), pieces), size)
    return publish_remote(target, remote, manifest.id, (header(output, target.format), stretches))


def _write(store: Store, manifest: Manifest, target: Target, stretches: Iterable[bytes]) -> Published:
    output = manifest.spec.output
    if target.format == "json":
        return publish_json(target, store.get(FOLD_RESULT))
    head = header(output, target.format)
    if target.parts:
        pieces, size = _pieces(output, target, stretches)
        return publish_parts(target, head, pieces, size)
    return publish_file(target, head, stretches)


def _pieces(output: Output, target: Target, stretches: Iterable[bytes]) -> tuple[Iterable[bytes], int]:
    """The body in pieces between which parts may be cut, and how large a part is to be."""
    if target.format == "text" and "\n" in output.template:
        # Nothing tells where such a record ends, so there is one part.
        return stretches, sys.maxsize
    size = output.part_size.bytes
    return pieces_of_records(stretches, target.format, max(_LEAST_PIECE, size // _PIECES_A_PART)), size


def _is_ours(store: Store, target: Target) -> bool:
    try:
        before = msgspec.json.decode(store.get(_PUBLISHED), type=OutputReport)
    except NotFound:
        return False
    if target.url or before.path != str(target.path):
        # An object says itself which run wrote it.
        return False
    return target.parts or (target.path.is_file() and target.path.stat().st_size == before.bytes)
