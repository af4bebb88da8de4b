"""Compressed text: which compression a file has, and its bytes without it, streamed."""

import errno
import os
import zlib
from io import FileIO
from typing import Literal, Protocol

from orchestrator.errors import MissingExtra
from orchestrator.inputs.paths import shown

type Policy = Literal["auto", "none", "gzip", "zstd"]
type Packing = Literal["none", "gzip", "zstd"]

HEAD = 4
_SUFFIXES: dict[bytes, Packing] = {b".gz": "gzip", b".gzip": "gzip", b".zst": "zstd", b".zstd": "zstd"}
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
# A zstd file may begin with frames to be skipped: 0x184D2A50 to 0x184D2A5F, little endian.
_ZSTD_SKIPPED = b"\x2a\x4d\x18"


def packing(policy: Policy, name: bytes, head: bytes) -> Packing:
    """The file's compression: the job's word, else the name's suffix, else the first bytes.

    The first bytes of gzip (RFC 1952) and zstd (RFC 8878) are no UTF-8 text.
    """
    if policy != "auto":
        return policy
    by_name = _SUFFIXES.get(os.path.splitext(name)[1].lower())
    if by_name is not None:
        return by_name
    if head.startswith(_GZIP):
        return "gzip"
    return "zstd" if head.startswith(_ZSTD) else "none"


def begins(how: Packing, head: bytes) -> bool:
    """Whether a file with these first bytes can have that compression."""
    if how == "gzip":
        return head.startswith(_GZIP)
    return how == "none" or head.startswith(_ZSTD) or head[1:] == _ZSTD_SKIPPED


class Unpacked:
    """The decompressed bytes of an open file, from its beginning, over all members or frames.

    Args:
        fd: the file; it stays open and its position moves.
        path: its name, for errors.
        how: its compression.

    Raises:
        MissingExtra: this Python was built without that compression.
    """

    def __init__(self, fd: int, path: str, how: Packing) -> None:
        os.lseek(fd, 0, os.SEEK_SET)
        self._path, self._how = path, how
        self._stream, self._broken = _stream(FileIO(fd, closefd=False), how)

    def read(self, count: int) -> bytes:
        """The next bytes, at most `count` of them; none at the end.

        Raises:
            OSError: the stream is cut off or corrupt; names the file.
        """
        try:
            return self._stream.read(count)
        except self._broken as error:
            message = f"the {self._how} data is cut off or corrupt: {error}"
            raise OSError(errno.EBADMSG, message, shown(self._path)) from error


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _stream(raw: FileIO, how: Packing) -> tuple[_Stream, tuple[type[Exception], ...]]:
    """The stream, and what it raises for damaged data. Imported here: most jobs read no compressed file."""
    if how == "none":
        return raw, ()
    if how == "gzip":
        import gzip

        return gzip.open(raw, "rb"), (EOFError, gzip.BadGzipFile, zlib.error)
    try:
        from compression import zstd
    except ImportError:
        raise MissingExtra("this Python was built without zstd", hint="build it with libzstd present") from None
    return zstd.open(raw, "rb"), (EOFError, zstd.ZstdError)
