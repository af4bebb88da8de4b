"""Which paths below a root a job takes: include and exclude patterns, compiled once.

The language: `*` and `?` match within a name, `[abc]` and `[!abc]` one character, `**` any number of folders;
a pattern matches the whole path below the root, names that begin with a dot included. A trailing "/" means
all below that folder. An exclude pattern that matches a folder shuts out everything below it.
"""

import glob
import os
import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from orchestrator.errors import InputError
from orchestrator.inputs.paths import segments

_ANY = "**"


class Selection(Struct, frozen=True):
    """Decides about paths below the root (bytes, "/" between names, none at the ends).

    Attributes:
        include: what a file must match; None takes every file.
        exclude: what neither a file nor a folder may match; None shuts out none.
        heads: what a folder must match to be worth a look; None enters every folder.
    """

    include: re.Pattern[str] | None = None
    exclude: re.Pattern[str] | None = None
    heads: re.Pattern[str] | None = None

    @property
    def takes_all(self) -> bool:
        """Whether a file at any path is an item."""
        return self.include is None and self.exclude is None

    def takes(self, path: bytes) -> bool:
        """Whether a file at this path is an item."""
        if self.takes_all:
            return True
        text = os.fsdecode(path)
        if self.exclude is not None and self.exclude.match(text):
            return False
        return self.include is None or self.include.match(text) is not None

    def enters(self, path: bytes) -> bool:
        """Whether a folder at this path may hold items."""
        if self.heads is None and self.exclude is None:
            return True
        text = os.fsdecode(path)
        if self.exclude is not None and (self.exclude.match(text) or self.exclude.match(text + "/")):
            return False
        return self.heads is None or self.heads.match(text) is not None


def selection(include: Sequence[str], exclude: Sequence[str] = ()) -> Selection:
    """Compile the patterns.

    Raises:
        InputError: there is no include pattern, or a pattern that can match nothing below the root.
    """
    if not include:
        raise InputError("`include` is empty, so no file can match", hint='leave it out, or write ["**"]')
    wanted = [_names(pattern, "include") for pattern in include]
    unwanted = [_names(pattern, "exclude") for pattern in exclude]
    everything = [_ANY] in wanted
    anywhere = any(names[0] == _ANY for names in wanted)
    return Selection(
        include=None if everything else _compiled(wanted),
        exclude=_compiled(unwanted) if unwanted else None,
        heads=None if anywhere else _compiled(head for names in wanted for head in _heads(names)),
    )


def _names(pattern: str, field: str) -> list[str]:
    """The pattern's names; "folder/" becomes folder/**."""
    names = segments(pattern)
    if pattern.startswith("/") or ".." in names or not names:
        raise InputError(
            f"the {field} pattern {pattern!r} cannot match below the root",
            hint='patterns are relative to the root, as in "photos/**/*.jpg", and have no ".."',
        )
    return [*names, _ANY] if pattern.endswith("/") else names


def _heads(names: Sequence[str]) -> Iterable[list[str]]:
    """The patterns of the folders on the way to a match, down to the first `**`: it stands for the rest."""
    for end, name in enumerate(names, 1):
        if name == _ANY:
            yield list(names[:end])
            return
        if end < len(names):
            yield list(names[:end])


def _compiled(patterns: Iterable[Sequence[str]]) -> re.Pattern[str]:
    """One expression for all; for none, one that never matches (a file of the root needs no folder)."""
    sources = [glob.translate("/".join(p), recursive=True, include_hidden=True, seps="/") for p in patterns]
    return re.compile("|".join(sources) or r"(?!)")
