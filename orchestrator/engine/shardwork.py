"""Work on shards of a run, one after the other, with as many workers as it takes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from orchestrator.engine.boards import own_board
from orchestrator.engine.finishing import void_damaged
from orchestrator.engine.joining import Joined
from orchestrator.engine.joint import failed_elsewhere, read_shard, tell_tally
from orchestrator.engine.keeper import Charge, Keeper
from orchestrator.engine.protocol import Ended, Work
from orchestrator.engine.supervisor import Worker
from orchestrator.engine.watcher import Watcher
from orchestrator.outputs.target import target_of
from orchestrator.outputs.tree import sweep_temporaries


class Deaths(Struct):
    """What workers died of or were replaced for, in words, and how many items were quarantined for that."""

    notes: tuple[str, ...] = ()
    convicted: int = 0


class ShardWork:
    """Works on shards for a process that has joined a run.

    Attributes:
        deaths: of workers, so far.
        worked: whether a worker has worked to an end and reported.
    """

    def __init__(self, joined: Joined, run: str, watcher: Watcher) -> None:
        self.deaths = Deaths()
        self.worked = False
        self._joined = joined
        self._run = run
        self._watcher = watcher

    def do(self, shard: int, worker: Worker | None, retry_failed: bool = False) -> Ended:
        """Do what is missing of a shard, and tell its tally.

        Args:
            shard: which.
            worker: one that has loaded the task; None starts one.
            retry_failed: also do again what failed before.

        Raises:
            FtorchError: what the worker raised, or how it died.
        """
        joint = self._joined.joint
        with own_board(joint.store.url, shard) as board, self._swept():
            keeper = self._keeper(board)
            work = self._work(shard, board, retry_failed)
            try:
                ended = keeper.run_anew(work) if worker is None else keeper.run(worker, work)
            finally:
                known, deaths = keeper.known, self.deaths
                self.deaths = Deaths((*deaths.notes, *known.notes), deaths.convicted + known.convicted)
                self._watcher.ended()
        self.worked = True
        tell_tally(joint, shard, read_shard(joint, shard), ended)
        return ended

    def mend(self) -> bool:
        """Do again what is damaged, in whatever shard that is; says whether anything was.

        Raises:
            FtorchError: what a worker raised, or how it died.
        """
        joint = self._joined.joint
        if not void_damaged(joint.store):
            return False
        for shard in range(joint.shards):
            if not read_shard(joint, shard).progress.complete:
                self.do(shard, None)
        return True

    def _work(self, shard: int, board: Path, retry_failed: bool) -> Work:
        joined, manifest = self._joined, self._joined.joint.manifest
        target = target_of(manifest.spec.output, manifest.output_format, Path(manifest.base), manifest.spec.name)
        return Work(
            run=self._run,
            job=manifest.job,
            shard=shard,
            threads=joined.threads,
            output=target.shown if target.format == "tree" else "",
            # Another process of this shard may have written any of its files.
            replace=True,
            retry_failed=retry_failed,
            board=os.fspath(board),
            failed_elsewhere=0 if retry_failed else failed_elsewhere(joined.joint, shard),
        )

    def _keeper(self, board: Path) -> Keeper:
        manifest, watcher = self._joined.joint.manifest, self._watcher
        charge = Charge(manifest.spec, self._joined.load, board)
        return Keeper(charge, lambda: watcher.started(manifest, board), watcher.tick)

    @contextmanager
    def _swept(self) -> Iterator[None]:
        """Remove at the end what a worker that was ended at once has left half-written in a tree."""
        manifest = self._joined.joint.manifest
        target = target_of(manifest.spec.output, manifest.output_format, Path(manifest.base), manifest.spec.name)
        try:
            yield
        finally:
            if target.format == "tree" and not target.url:
                with suppress(OSError):
                    sweep_temporaries(target.path)
