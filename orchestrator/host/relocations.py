"""Which pointers an ELF shared object will hold once it is loaded: its relocations, RELA and RELR, looked up both ways.

The numbers of the relocation types are those of the psABI supplements of x86-64 and aarch64; RELR is the gABI's
"Relative Relocation Table".
"""

import struct
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property

from orchestrator.host.elf import AARCH64, X86_64, SharedObject

_RELATIVE = {X86_64: 8, AARCH64: 1027}
_ABSOLUTE = {X86_64: 1, AARCH64: 257}
_PLTRELSZ, _RELA, _RELASZ, _JMPREL, _RELRSZ, _RELR = 2, 7, 8, 23, 35, 36
_ENTRY, _WORD = 24, 8
_RUN = 63
_HIGHEST = (1 << 64) - 1


class Relocations:
    """The relocations of a shared object that is open.

    Raises:
        NotReadError: they lie outside the file.
    """

    def __init__(self, found: SharedObject) -> None:
        self._found = found
        self._rela = found.table(_RELA, _RELASZ)
        self._calls = found.table(_JMPREL, _PLTRELSZ)

    def pointers_to(self, address: int) -> Iterator[int]:
        """Where a pointer to that address will be."""
        found = self._found
        start, end = self._rela
        for at in found.find(struct.pack("<Q", address), start + 16, end, _ENTRY):
            where, info = struct.unpack_from("<QQ", found.data, at - 16)
            if info == _RELATIVE[found.machine]:
                yield where
        if not self._relr:
            return
        for segment in found.segments:
            for at in found.find(struct.pack("<Q", address), segment.offset, segment.offset + segment.filled, _WORD):
                where = segment.address + at - segment.offset
                if self._is_in_relr(where):
                    yield where

    def pointer_at(self, address: int) -> int | None:
        """What the pointer at that address will point to, 0 for nothing; None where another object decides it.

        Raises:
            NotReadError: the object has no such address.
        """
        found = self._found
        start, end = self._rela
        for at in found.find(struct.pack("<Q", address), start, end, _ENTRY):
            info, addend = struct.unpack_from("<Qq", found.data, at + 8)
            if info == _RELATIVE[found.machine]:
                return int(addend)
            if info & 0xFFFFFFFF == _ABSOLUTE[found.machine]:
                value = found.address_of(info >> 32)
                return None if value is None else value + int(addend)
            return None
        if self._is_in_relr(address):
            return int.from_bytes(found.read(address, _WORD), "little")
        return 0

    def places_of(self, symbol: int) -> Iterator[int]:
        """The pointers that the loader sets to a symbol, by its number: its places in the global offset table."""
        for start, end in (self._calls, self._rela):
            for at in self._found.find(struct.pack("<I", symbol), start + 12, end, _ENTRY):
                yield struct.unpack_from("<Q", self._found.data, at - 12)[0]

    @cached_property
    def _relr(self) -> list[tuple[int, int]]:
        """Runs of words: the address of the first, and a bit for each of up to 63 that says whether it is a pointer."""
        start, end = self._found.table(_RELR, _RELRSZ)
        runs, where = [], 0
        for (word,) in struct.iter_unpack("<Q", self._found.data[start : start + (end - start) // _WORD * _WORD]):
            if word & 1:
                runs.append((where, word >> 1))
                where += _RUN * _WORD
            else:
                runs.append((word, 1))
                where = word + _WORD
        return sorted(runs)

    def _is_in_relr(self, address: int) -> bool:
        at = bisect_right(self._relr, (address, _HIGHEST)) - 1
        if at < 0:
            return False
        start, bits = self._relr[at]
        number, rest = divmod(address - start, _WORD)
        return rest == 0 and number < _RUN and bool(bits >> number & 1)
