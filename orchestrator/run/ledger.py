"""One shard's ledger: who owns it, and the commits that say what is done.

Guarantees: of two processes that both believe they own a shard, at most one commits a given chunk. Commits are
created under consecutive names, so they are serialised; the loser of a create reads what won, drops what of its
own is already there, and stops if a newer epoch exists. Assumes: the store's `create` has one winner.
"""

import os
import time
from collections.abc import Callable, Iterator

import msgspec

from orchestrator.errors import Fenced, RunDamaged
from orchestrator.host.processes import started
from orchestrator.run.progress import Progress
from orchestrator.run.records import FILLED_FORMAT, FORMAT, Commit, Owner, format_of
from orchestrator.store.base import NotFound, Store


class Ledger:
    """The commits of one shard: read as they are, and added to by the owner of the newest epoch."""

    def __init__(self, store: Store, shard: int, lo: int, hi: int) -> None:
        self.progress = Progress(lo, hi)
        self.epoch: int | None = None
        self._store = store
        self._folder = f"shards/{shard}"
        self._next = 0
        self._decoder = msgspec.json.Decoder(Commit)

    def refresh(self) -> list[Commit]:
        """Read the commits that were added since the last call, and count them in.

        Raises:
            RunDamaged: a commit cannot be read, claims what another one has, or is missing.
        """
        fresh: list[Commit] = []
        listed = max(self._numbers("commits"), default=-1)
        while (commit := self._read(self._next)) is not None:
            self._absorb(commit)
            fresh.append(commit)
        if listed >= self._next:
            raise RunDamaged(
                f"this commit is missing, and commit {listed} comes after it",
                where=f"{self._store.url}/{self._commit_name(self._next)}",
                hint="Restore the file from a copy, or start a new run; nothing was changed.",
            )
        return fresh

    def claim(self) -> int:
        """Become the shard's owner: take the next epoch, which fences all older ones."""
        owner = msgspec.json.encode(Owner(os.uname().nodename, os.getpid(), time.time(), started(os.getpid())))
        epoch = max(self._numbers("epochs"), default=-1) + 1
        while not self._store.create(self._epoch_name(epoch), [owner]):
            epoch += 1
        self.epoch = epoch
        self.refresh()
        return epoch

    def part_name(self, number: int, suffix: str = "") -> str:
        """The name for this owner's part of that number; no other owner uses it."""
        return f"{self._folder}/parts/{self.epoch:04d}-{number:06d}{suffix}"

    def append(self, build: Callable[[Progress], Commit | None]) -> Commit | None:
        """Add a commit; `build` makes it from the progress so far and leaves out what is already done.

        It is called again when another owner's commit came first. None (from `build` and as the result) means that
        there is nothing to commit.

        Raises:
            Fenced: a newer epoch exists; nothing was committed.
            ValueError: the commit contradicts what is done; nothing was committed.
        """
        while True:
            self._check_fence()
            commit = build(self.progress)
            if commit is None:
                return None
            commit = msgspec.structs.replace(commit, format=format_of(commit))
            # A commit that contradicts would make the whole run unreadable, for ever.
            self.progress.copy().absorb(commit)
            if self._store.create(self._commit_name(self._next), [msgspec.json.encode(commit)]):
                self._absorb(commit)
                return commit
            self.refresh()

    def _check_fence(self) -> None:
        if self.epoch is None:
            raise Fenced("this process does not own the shard", where=self._folder)
        try:
            newer = msgspec.json.decode(self._store.get(self._epoch_name(self.epoch + 1)), type=Owner)
        except NotFound:
            return
        except msgspec.MsgspecError:
            newer = Owner("another host", 0, 0.0)
        raise Fenced(
            f"process {newer.pid} on {newer.host} has taken over this run; this one stops",
            where=f"{self._store.url}/{self._folder}",
            hint="What was committed so far is kept and is not done again. Wait for the other process.",
        )

    def _read(self, number: int) -> Commit | None:
        name = self._commit_name(number)
        try:
            data = self._store.get(name)
        except NotFound:
            return None
        where = f"{self._store.url}/{name}"
        try:
            commit = self._decoder.decode(data)
        except msgspec.MsgspecError as error:
            raise RunDamaged(
                f"this commit cannot be read: {error}",
                where=where,
                hint="Restore the file from a copy, or start a new run; nothing was changed.",
            ) from error
        if not FORMAT <= commit.format <= FILLED_FORMAT:
            raise RunDamaged(
                f"this commit has format {commit.format}, and this ftorch reads formats {FORMAT} to {FILLED_FORMAT}",
                where=where,
                hint="Go on with the version of ftorch that began the run.",
            )
        return commit

    def _absorb(self, commit: Commit) -> None:
        try:
            self.progress.absorb(commit)
        except ValueError as error:
            where = f"{self._store.url}/{self._commit_name(self._next)}"
            raise RunDamaged(
                f"this commit contradicts the ones before it: {error}",
                where=where,
                hint="Remove nothing; start a new run. Please report it: this must not happen.",
            ) from error
        self._next += 1

    def _numbers(self, folder: str) -> Iterator[int]:
        """The numbers that a folder's objects are named by; other files that someone put there are passed over."""
        names = (name.rsplit("/", 1)[1] for name in self._store.list(f"{self._folder}/{folder}/"))
        return (int(name) for name in names if name.isdecimal())

    def _commit_name(self, number: int) -> str:
        return f"{self._folder}/commits/{number:08d}"

    def _epoch_name(self, epoch: int) -> str:
        return f"{self._folder}/epochs/{epoch:06d}"
