"""Reads what an ELF shared object says before it is loaded: its segments, symbols and strings.

Only what 64-bit little-endian Linux has (System V gABI, chapters 4 and 5). Addresses are the file's own virtual ones.
Nothing in the file is trusted: every offset is checked against its size, and the work is bounded by it.
"""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from msgspec import Struct

X86_64, AARCH64 = 62, 183
MACHINES = {X86_64: "x86_64", AARCH64: "aarch64"}
"""The e_machine that can be read here, as `platform.machine` names it."""

MAX_BYTES = 2 << 30
STRTAB, SYMTAB, STRSZ = 5, 6, 10

_LOAD, _DYNAMIC = 1, 2
_SYMBOL_BYTES = 24
_EXECUTABLE, _WRITABLE = 1, 2
_MOST_SEGMENTS = 256
_OTHER_KINDS = {
    b"MZ": "a Windows file",
    b"\xcf\xfa\xed\xfe": "a macOS file",
    b"\xce\xfa\xed\xfe": "a macOS file",
    b"\xca\xfe\xba\xbe": "a macOS file",
}


class NotReadError(ValueError):
    """This is no file that can be read here; the message says what it is instead."""


class Segment(Struct, frozen=True):
    """A part of the file that is loaded: `filled` bytes of it lie at `offset` of the file, the rest is zero."""

    kind: int
    flags: int
    offset: int
    address: int
    filled: int
    size: int


class SharedObject:
    """An ELF shared object, mapped; a context manager.

    Attributes:
        machine: X86_64 or AARCH64.
        data: the file.
        segments: its loadable segments.

    Raises:
        NotReadError: it is none, is damaged, or is made for a kind of machine that is not known here.
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path | str) -> None:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            if not size:
                raise NotReadError("an empty file")
            if size > MAX_BYTES:
                raise NotReadError(f"larger than {MAX_BYTES >> 30} GiB")
            self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            self.machine = _machine(self.data)
            headers = _program_headers(self.data)
            self.segments = [segment for segment in headers if segment.kind == _LOAD]
            self._dynamic = _dynamic(self.data, headers)
            self._strings = self.table(STRTAB, STRSZ)
        except struct.error, OverflowError:
            self.close()
            raise NotReadError("damaged: a table lies outside the file") from None
        except NotReadError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self.data.close()

    def mentions(self, symbol: str) -> bool:
        """Whether a dynamic symbol has that name, defined or needed."""
        return self._name_of(symbol) >= 0

    def exports(self, symbol: str) -> bool:
        """Whether it defines that dynamic symbol."""
        return any(section for _, section, _ in self.symbols(symbol))

    def symbols(self, name: str) -> Iterator[tuple[int, int, int]]:
        """The dynamic symbols of that name: number, section (0: defined elsewhere), address."""
        wanted = self._name_of(name)
        if wanted < 0:
            return
        start = self.offset(self._dynamic[SYMTAB])
        # How many there are is written nowhere; every linker puts their names after them.
        end = self._strings[0] if self._strings[0] > start else len(self.data)
        for at in self.find(struct.pack("<I", wanted), start, end, _SYMBOL_BYTES):
            if at + _SYMBOL_BYTES <= end:
                section, value = struct.unpack_from("<HQ", self.data, at + 6)
                yield (at - start) // _SYMBOL_BYTES, section, value

    def address_of(self, symbol: int) -> int | None:
        """The address of the symbol with that number, None where another object defines it."""
        at = self.offset(self._dynamic[SYMTAB]) + symbol * _SYMBOL_BYTES
        if at + _SYMBOL_BYTES > len(self.data):
            raise NotReadError("damaged: no such symbol")
        section, value = struct.unpack_from("<HQ", self.data, at + 6)
        return int(value) if section else None

    def contains(self, text: bytes) -> bool:
        """Whether these bytes are anywhere in the file."""
        return self.data.find(text) >= 0

    def strings_ending(self, text: str) -> Iterator[int]:
        """The addresses at which a C string can be read that is `text`, or ends in "." and `text`."""
        ending = text.encode() + b"\0"
        for segment in self.segments:
            end = segment.offset + segment.filled
            for at in self.find(ending, segment.offset, end, 1):
                yield segment.address + at - segment.offset
                begin = self.data.rfind(b"\0", segment.offset, at) + 1
                if 0 < begin < at and self.data[at - 1] == ord("."):
                    yield segment.address + begin - segment.offset

    def read(self, address: int, size: int) -> bytes:
        """The bytes that will be there before relocation; zeros in .bss.

        Raises:
            NotReadError: the object has no such address.
        """
        for segment in self.segments:
            first = address - segment.address
            if first >= 0 and first + size <= segment.size:
                at = segment.offset + first
                return self.data[at : max(at, min(at + size, segment.offset + segment.filled))].ljust(size, b"\0")
        raise NotReadError(f"damaged: no address {address:#x}")

    def writable(self) -> list[Segment]:
        """The segments that can be written to when loaded."""
        return [segment for segment in self.segments if segment.flags & _WRITABLE]

    def executable(self) -> list[Segment]:
        """The segments that hold code."""
        return [segment for segment in self.segments if segment.flags & _EXECUTABLE]

    def table(self, start: int, size: int) -> tuple[int, int]:
        """Where in the file a table lies that two tags of the dynamic section tell of: start and end.

        Raises:
            NotReadError: it lies outside the file.
        """
        if start not in self._dynamic:
            return 0, 0
        offset, length = self.offset(self._dynamic[start]), self._dynamic.get(size, 0)
        if offset + length > len(self.data):
            raise NotReadError("damaged: a table lies outside the file")
        return offset, offset + length

    def offset(self, address: int) -> int:
        """Where in the file the byte for that address is.

        Raises:
            NotReadError: the file has none.
        """
        for segment in self.segments:
            if 0 <= address - segment.address < segment.filled:
                return segment.offset + address - segment.address
        raise NotReadError("damaged: a table lies outside the file")

    def find(self, wanted: bytes, start: int, end: int, step: int) -> Iterator[int]:
        """Where in a part of the file these bytes are, at a multiple of `step` from its start."""
        at = start - 1
        while (at := self.data.find(wanted, at + 1, end)) >= 0:
            if (at - start) % step == 0:
                yield at

    def _name_of(self, symbol: str) -> int:
        start, end = self._strings
        found = self.data.find(b"\0" + symbol.encode() + b"\0", start, end)
        return found + 1 - start if found >= 0 else -1


def _machine(data: mmap.mmap) -> int:
    if data[:4] != b"\x7fELF":
        kind = next((kind for magic, kind in _OTHER_KINDS.items() if data[: len(magic)] == magic), "no shared object")
        raise NotReadError(kind)
    if data[4:6] != b"\2\1":
        raise NotReadError("an ELF file that is not 64-bit little-endian")
    kind, machine = struct.unpack_from("<HH", data, 16)
    if machine not in MACHINES:
        raise NotReadError(f"an ELF file for a machine that is not known here (e_machine {machine})")
    if kind != 3:
        raise NotReadError("an ELF file, but no shared object")
    return int(machine)


def _program_headers(data: mmap.mmap) -> list[Segment]:
    (start,) = struct.unpack_from("<Q", data, 32)
    size, number = struct.unpack_from("<HH", data, 54)
    segments = []
    for index in range(min(number, _MOST_SEGMENTS)):
        kind, flags, offset, address, _, filled, memory = struct.unpack_from("<IIQQQQQ", data, start + index * size)
        if kind in (_LOAD, _DYNAMIC) and offset + filled > len(data):
            raise NotReadError("damaged: it is shorter than it says")
        segments.append(Segment(kind, flags, offset, address, filled, max(filled, memory)))
    return segments


def _dynamic(data: mmap.mmap, headers: list[Segment]) -> dict[int, int]:
    found: dict[int, int] = {}
    for segment in headers:
        if segment.kind == _DYNAMIC:
            table = data[segment.offset : segment.offset + segment.filled // 16 * 16]
            for tag, value in struct.iter_unpack("<QQ", table):
                found.setdefault(tag, value)
    if SYMTAB not in found or STRTAB not in found:
        raise NotReadError("damaged: an ELF file without dynamic symbols")
    return found
