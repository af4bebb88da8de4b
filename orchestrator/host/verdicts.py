"""Verdicts on extension modules' files, kept in the user's cache folder, so that each file is read once.

Guarantees: a verdict counts only for the file it was made of (its size and time of change), this version of the reader
and this interpreter. Processes may write at the same time: one of them wins.
"""

import os
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from orchestrator.host.caches import cache_path, read_cache, write_cache
from orchestrator.host.extension import Kind, Verdict, judge

_VERSION = 1


class _Kept(Struct, frozen=True, array_like=True):
    size: int
    changed: int
    kind: Kind
    reason: str


class _File(Struct, frozen=True):
    version: int
    files: dict[str, _Kept]


class Verdicts:
    """The verdicts of this environment; the cache is read at the first question."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = cache_path("verdicts") if path is None else path
        self._kept: dict[str, _Kept] | None = None
        self._changed = False

    def of(self, path: str) -> Verdict:
        """The verdict on a file, from the cache or by reading it."""
        known = self._all().get(path)
        try:
            facts = os.stat(path)
        except OSError as error:
            return Verdict("unread", f"cannot be opened: {error.strerror}")
        if known is not None and (known.size, known.changed) == (facts.st_size, facts.st_mtime_ns):
            return Verdict(known.kind, known.reason)
        verdict = judge(path)
        self._keep(path, facts, verdict)
        return verdict

    def settle(self, path: str, verdict: Verdict) -> None:
        """Keep what loading a file has shown."""
        with suppress(OSError):
            self._keep(path, os.stat(path), verdict)

    def save(self) -> None:
        """Keep what is new for the next process."""
        if self._changed:
            write_cache(self._path, _File(_VERSION, self._all()))
            self._changed = False

    def _keep(self, path: str, facts: os.stat_result, verdict: Verdict) -> None:
        self._all()[path] = _Kept(facts.st_size, facts.st_mtime_ns, verdict.kind, verdict.reason)
        self._changed = True

    def _all(self) -> dict[str, _Kept]:
        if self._kept is None:
            found = read_cache(self._path, _File)
            self._kept = found.files if found is not None and found.version == _VERSION else {}
        return self._kept
