"""A run of many shards without workers: its commits are made by hand, and its store does something else in between."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from orchestrator.engine.joint import Joint, read_shard, tell_tally
from orchestrator.engine.protocol import Ended
from orchestrator.inputs.base import Entry
from orchestrator.run.folder import Manifest, create_run, raw_job
from orchestrator.run.ledger import Ledger
from orchestrator.run.records import Blob, Commit, Range
from orchestrator.spec.model import Input, JobSpec, Output, RangeInput
from orchestrator.store.base import Buffer, Store
from tests.run.planning import index_of

DONE = Ended("done", "every item is settled")


class Interposed:
    """A store that does something else before its n-th call: what another process does meanwhile, or a death."""

    def __init__(self, store: Store, number: int, meanwhile: Callable[[], object]) -> None:
        self.happened = False
        self._store = store
        self._left = number
        self._meanwhile = meanwhile

    @property
    def url(self) -> str:
        return self._store.url

    def put(self, name: str, data: Iterable[Buffer]) -> None:
        self._count()
        self._store.put(name, data)

    def create(self, name: str, data: Iterable[Buffer]) -> bool:
        self._count()
        return self._store.create(name, data)

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        self._count()
        return self._store.get(name, start, length)

    def list(self, prefix: str) -> Iterator[str]:
        self._count()
        return self._store.list(prefix)

    def delete(self, name: str) -> None:
        self._count()
        self._store.delete(name)

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            self.happened = True
            self._meanwhile()


def shared_run(store: Store, base: Path, shards: int = 2, units: int = 10) -> Joint:
    """A run whose plan is made and of which nothing is done; its output is out.jsonl below a folder."""
    spec = JobSpec(
        task="./t.py:f", input=Input(range=RangeInput(stop=units)), output=Output(path="out.jsonl", format="jsonl")
    )
    manifest = Manifest("squares-1", raw_job(spec), str(base), str(base / "job.yaml"), "ab", "jsonl", None, 1.0, {})
    create_run(store, manifest)
    return Joint(store, manifest, index_of("item", [Entry(b"", units)], store, shards))


def rows(lo: int, hi: int) -> bytes:
    """What a stretch of the axis gives."""
    return b"".join(b'{"key":%d}\n' % number for number in range(lo, hi))


def settle(joint: Joint, shard: int) -> None:
    """Do a shard, as a worker would, and tell its tally."""
    lo, hi = joint.index.shards[shard], joint.index.shards[shard + 1]
    ledger = Ledger(joint.store, shard, lo, hi)
    ledger.claim()
    for start, stop in pairwise([lo, (lo + hi) // 2, hi]):
        data, name = rows(start, stop), ledger.part_name(start)
        joint.store.put(name, [data])
        blobs = [Blob(name, 0, len(data), zlib.crc32(data))]
        done = Commit(ledger.epoch or 0, [Range(start, stop, stop - start, len(data), blobs, [])])
        ledger.append(lambda _, done=done: done)
    tell_tally(joint, shard, read_shard(joint, shard), DONE)
