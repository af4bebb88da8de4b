"""Verdicts on extension modules' files, kept in the user's cache folder, so that each file is read once.

Guarantees: a verdict counts only for the file it was made of (its size and time of change), this version of the reader
and this interpreter; a cache that is damaged or cannot be written is no error. Processes may write at the same time:
one of them wins.
"""

import hashlib
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import msgspec

from orchestrator.host.extension import Kind, Verdict, judge

_VERSION = 1


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    size: int
    changed: int
    kind: Kind
    reason: str


class Verdicts:
    """The verdicts of this environment; the file is read at the first question."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = cache_folder() / f"verdicts-{_environment()}.json" if path is None else path
        self._kept: dict[str, _Kept] | None = None
        self._changed = False

    def of(self, path: str) -> Verdict:
        """The verdict on a file, from the cache or by reading it."""
        kept = self._all()
        known = kept.get(path)
        try:
            facts = os.stat(path)
        except OSError as error:
            return Verdict("unread", f"cannot be opened: {error.strerror}")
        if known is not None and (known.size, known.changed) == (facts.st_size, facts.st_mtime_ns):
            return Verdict(known.kind, known.reason)
        verdict = judge(path)
        kept[path] = _Kept(facts.st_size, facts.st_mtime_ns, verdict.kind, verdict.reason)
        self._changed = True
        return verdict

    def settle(self, path: str, verdict: Verdict) -> None:
        """Keep what loading a file has shown."""
        with suppress(OSError):
            facts = os.stat(path)
            self._all()[path] = _Kept(facts.st_size, facts.st_mtime_ns, verdict.kind, verdict.reason)
            self._changed = True

    def save(self) -> None:
        """Keep what is new."""
        if self._kept is not None and self._changed:
            write_cache(self._path, msgspec.json.encode({"version": _VERSION, "files": self._kept}))
            self._changed = False

    def _all(self) -> dict[str, _Kept]:
        if self._kept is None:
            self._kept = {}
            with suppress(OSError, msgspec.MsgspecError):
                found = msgspec.json.decode(self._path.read_bytes(), type=_File)
                self._kept = found.files if found.version == _VERSION else {}
        return self._kept


class _File(msgspec.Struct, frozen=True):
    version: int
    files: dict[str, _Kept]


def cache_folder() -> Path:
    """Where the user's caches of ftorch lie (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "ftorch" / "audit"


def write_cache(path: Path, data: bytes) -> None:
    """Replace a cache file as a whole; one that cannot be written is left as it is."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with open(handle, "wb") as file:
                file.write(data)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise


def _environment() -> str:
    return hashlib.sha256(f"{sys.prefix}\0{sys.version}".encode()).hexdigest()[:16]
