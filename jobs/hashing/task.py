"""Hash files with any algorithm of hashlib, with BLAKE3, or with xxh3.

Guarantees: a thread hashes with objects of its own (hash, buffer, constructor's arguments), and the hash of a
block above 2 kB runs without any Python lock. Assumes: a file is not written to while it is hashed.
"""

import difflib
import hashlib
import os
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

from orchestrator import Context, task
from orchestrator.errors import MissingExtra, TaskError

SMALL = 1 << 17
BLOCK = 1 << 20

EXTRAS = {"blake3": "blake3", "xxh3_64": "xxhash", "xxh3_128": "xxhash"}
EXTENDABLE = ("shake_128", "shake_256", "blake3")
SIZED = {"blake2b": 64, "blake2s": 32}


class Planned(Protocol):
    """What this task uses of an item of `input: files`."""

    @property
    def path(self) -> str: ...

    @property
    def size(self) -> int: ...


class Algorithm(NamedTuple):
    """How to start a hash, and what its `hexdigest` is given."""

    new: Callable[..., Any]
    length: tuple[int, ...] = ()


def choose(algorithm: object = "sha256", length: object = None) -> Algorithm:
    """Find an algorithm by its name, so that a wrong one is told before any file is read.

    Args:
        algorithm: a name hashlib knows ("sha256", "SHA-256", "shake_128"), or blake3, xxh3_64, xxh3_128.
        length: the digest's length in bytes, for those that have a choice.

    Raises:
        TaskError: there is no such algorithm, or it has no such length.
        MissingExtra: it comes from a package that is not installed.
    """
    name = str(algorithm).lower().replace("-", "_")
    if name in EXTRAS:
        new = _from_package(name)
    elif name in hashlib.algorithms_guaranteed:
        new = getattr(hashlib, name)
    else:
        new = _from_openssl(str(algorithm))
    size = _checked_length(name, length)
    if name in SIZED and size is not None:
        return Algorithm(partial(new, digest_size=size))
    return Algorithm(new, () if size is None else (size,))


def _checked_length(name: str, length: object) -> int | None:
    place = "with.length"
    if length is None:
        if name.startswith("shake_"):
            hint = "Say how many bytes it shall have: `length: 32`."
            raise TaskError(f"{name} has no length of its own", where=place, hint=hint)
        return None
    if name not in EXTENDABLE and name not in SIZED:
        hint = f"These have a choice: {', '.join((*EXTENDABLE, *SIZED))}."
        raise TaskError(f"{name} has one fixed length", where=place, hint=hint)
    most = SIZED.get(name, 1 << 20)
    if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= most:
        raise TaskError(f"{length!r} is not a length of {name}, 1 to {most} bytes", where=place)
    return length


def _from_package(name: str) -> Callable[..., Any]:
    package = EXTRAS[name]
    try:
        module = __import__(package)
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"{name} needs the package {package!r}, which is not installed",
            where="with.algorithm",
            hint=f"Install ftorch with its extra `hashes`, or: python -m pip install {package}",
        ) from error
    found: Callable[..., Any] = getattr(module, name)
    return found


def _from_openssl(name: str) -> Callable[..., Any]:
    try:
        hashlib.new(name)
    except ValueError as error:
        known = sorted({*hashlib.algorithms_available, *EXTRAS})
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
        raise TaskError(f"there is no algorithm {name!r} here", where="with.algorithm", hint=hint) from error
    return partial(hashlib.new, name)


def hasher(algorithm: str = "sha256", length: int | None = None) -> Callable[[str, int], str]:
    """Make one thread's hash function of (path, planned size), with a block buffer of its own."""
    new, arguments = choose(algorithm, length)
    buffer = bytearray(BLOCK)
    view = memoryview(buffer)
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
    open_, read, readinto, close = os.open, os.read, os.readinto, os.close

    def hash_file(path: str, size: int) -> str:
        descriptor = open_(path, flags)
        try:
            start = b""
            if size <= SMALL:
                # One byte more than planned: exactly `size` bytes back says that the file ends there.
                start = read(descriptor, size + 1)
                if len(start) == size:
                    return new(start).hexdigest(*arguments)  # type: ignore[no-any-return]
            running = new(start)
            while count := readinto(descriptor, buffer):
                running.update(view[:count])
            return running.hexdigest(*arguments)  # type: ignore[no-any-return]
        finally:
            close(descriptor)

    return hash_file


@task(process=choose, thread=hasher)
def digest(
    file: Planned,
    ctx: Context,
    algorithm: str = "sha256",  # noqa: ARG001  what `hasher` makes its function from
    length: int | None = None,  # noqa: ARG001
) -> str:
    """Hash one file; gives the digest in hexadecimal.

    Args:
        file: an item of `input: files`.
        ctx: holds this thread's hash function, already made from the other arguments.
        algorithm: see :func:`choose`.
        length: see :func:`choose`.

    Raises:
        OSError: the file is gone or cannot be read.
    """
    return ctx.thread(file.path, file.size)  # type: ignore[no-any-return]
