"""Paths as a job file writes them and as a person reads them back."""

import os
from pathlib import Path

from orchestrator.errors import InputError


def shown(path: bytes | str) -> str:
    """The path as printable text: what is not UTF-8, a newline or another control character is escaped."""
    text = os.fsdecode(path)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def segments(path: str) -> list[str]:
    """The names of a path, without empty ones and "."."""
    return [name for name in path.split("/") if name not in ("", ".")]


def tidy(path: str) -> str:
    """The path without "./" and doubled slashes; ".." stays, since a symbolic link may come before it."""
    return ("/" if path.startswith("/") else "") + "/".join(segments(path))


def below(base: Path, path: str) -> bytes:
    """The absolute path of what a job file names, relative to the job's folder.

    Raises:
        InputError: no file can have that name (it holds a NUL, or a character the file system cannot encode).
    """
    try:
        bad = b"\0" in os.fsencode(path)
    except UnicodeEncodeError:
        raise InputError("the path cannot be a file's name in this locale", where=ascii(path)) from None
    if bad:
        raise InputError("the path holds a NUL character", where=ascii(path))
    if not path:
        raise InputError("the path is empty", hint='write "." for the folder of the job file')
    return os.path.join(os.fsencode(base.absolute()), os.fsencode(tidy(path))).rstrip(b"/") or b"/"
